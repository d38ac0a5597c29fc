//! Raises the limit of open files as far as a daemon needs it.

/// More files than a daemon ever opens. The limit is not raised further: some hard limits are a thousand million, and
/// there are programs (git runs helpers) that close every number below the limit when they start.
const MOST: u64 = 65_536;

/// Raises the soft limit of open files to the hard one. Returns the limit in force; `None` if there is none or it is
/// unknown.
///
/// The usual soft limit of 1,024 is meant for programs that wait with `select`. The daemon does not, and would have
/// to share 1,024 descriptors with everybody who connects to its server.
#[cfg(unix)]
pub fn raise_limit() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let current = current?;
    let raised = Rlimit {
        current: Some(target_limit(current, maximum)),
        maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => raised.current,
        Err(_) => Some(current),
    }
}

#[cfg(not(unix))]
pub fn raise_limit() -> Option<u64> {
    None
}

/// Returns the limit to ask for: never less than there is, never more than is allowed.
#[cfg(unix)]
fn target_limit(current: u64, maximum: Option<u64>) -> u64 {
    current.max(MOST.min(maximum.unwrap_or(MOST)))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_it_may_and_need_be() {
        assert_eq!(target_limit(1_024, Some(4_096)), 4_096);
        assert_eq!(target_limit(1_024, Some(1 << 30)), MOST);
        assert_eq!(target_limit(1_024, None), MOST);
        assert_eq!(target_limit(1 << 20, Some(1 << 30)), 1 << 20);
        assert_eq!(target_limit(64, Some(64)), 64);
    }
}

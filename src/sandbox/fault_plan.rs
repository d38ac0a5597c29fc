//! What can go wrong with a call, and plans of it: a seed and a mix of faults, read from text.
//!
//! `fault_schedule` says which call meets which fault, `fault_injector` what a fault does to a call.

use std::fmt;
use std::str::FromStr;

/// One thing that can go wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// 429 with a `Retry-After` of so many seconds, as a date, or without one.
    TooMany,
    TooManyUntil,
    TooManyBare,
    /// 408.
    Timeout,
    /// 425.
    TooEarly,
    /// A server error, with the call kept from the vendor.
    Server(ServerError),
    /// The same, after the vendor carried the call out.
    ServerAfter(ServerError),
    /// The connection ends without a reply.
    DropBefore,
    DropAfter,
    /// The connection ends in the middle of the reply.
    DropDuring,
    /// The reply comes in pieces.
    Slow,
    /// Half a reply that claims to be whole.
    Truncated,
    /// A web page with status 200 instead of the vendor.
    Html,
    /// The call reaches the vendor twice; the second reply is sent.
    Twice,
    /// A read is answered by a replica that lacks the last write.
    Stale,
    /// The session ended.
    Session,
    /// Somebody else changed something just before.
    Foreign,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServerError {
    Internal,
    BadGateway,
    Unavailable,
}

/// Every fault.
const ALL_KINDS: &[FaultKind] = &[
    FaultKind::TooMany,
    FaultKind::TooManyUntil,
    FaultKind::TooManyBare,
    FaultKind::Timeout,
    FaultKind::TooEarly,
    FaultKind::Server(ServerError::Internal),
    FaultKind::Server(ServerError::BadGateway),
    FaultKind::Server(ServerError::Unavailable),
    FaultKind::ServerAfter(ServerError::Internal),
    FaultKind::ServerAfter(ServerError::BadGateway),
    FaultKind::ServerAfter(ServerError::Unavailable),
    FaultKind::DropBefore,
    FaultKind::DropAfter,
    FaultKind::DropDuring,
    FaultKind::Slow,
    FaultKind::Truncated,
    FaultKind::Html,
    FaultKind::Twice,
    FaultKind::Stale,
    FaultKind::Session,
    FaultKind::Foreign,
];

impl FaultKind {
    pub fn name(self) -> &'static str {
        match self {
            FaultKind::TooMany => "429",
            FaultKind::TooManyUntil => "429-date",
            FaultKind::TooManyBare => "429-bare",
            FaultKind::Timeout => "408",
            FaultKind::TooEarly => "425",
            FaultKind::Server(ServerError::Internal) => "500",
            FaultKind::Server(ServerError::BadGateway) => "502",
            FaultKind::Server(ServerError::Unavailable) => "503",
            FaultKind::ServerAfter(ServerError::Internal) => "500-after",
            FaultKind::ServerAfter(ServerError::BadGateway) => "502-after",
            FaultKind::ServerAfter(ServerError::Unavailable) => "503-after",
            FaultKind::DropBefore => "drop-before",
            FaultKind::DropAfter => "drop-after",
            FaultKind::DropDuring => "drop-during",
            FaultKind::Slow => "slow",
            FaultKind::Truncated => "truncated",
            FaultKind::Html => "html",
            FaultKind::Twice => "twice",
            FaultKind::Stale => "stale",
            FaultKind::Session => "session",
            FaultKind::Foreign => "foreign",
        }
    }

    /// Whether a client has to make the call again for it.
    pub fn forces_retry(self) -> bool {
        match self {
            FaultKind::Slow | FaultKind::Twice | FaultKind::Stale | FaultKind::Foreign => false,
            FaultKind::TooMany | FaultKind::TooManyUntil | FaultKind::TooManyBare => true,
            FaultKind::Timeout
            | FaultKind::TooEarly
            | FaultKind::Server(_)
            | FaultKind::ServerAfter(_) => true,
            FaultKind::DropBefore | FaultKind::DropAfter | FaultKind::DropDuring => true,
            FaultKind::Truncated | FaultKind::Html | FaultKind::Session => true,
        }
    }
}

/// Shares are counted in this many parts of all calls.
pub(super) const BASIS_POINTS: u32 = 10_000;
/// Without a mix, all faults together hit one call in six, each the same share.
const DEFAULT_SHARE: u32 = BASIS_POINTS / 6 / ALL_KINDS.len() as u32;
/// What a fault named without a percentage gets.
const DEFAULT_PERCENT: u32 = 10;

/// A seed and a mix of faults: `7` or `7:429=10,drop-after=5,stale`.
///
/// ```
/// use entitle::sandbox::FaultPlan;
///
/// let plan: FaultPlan = "7:drop-after=5, stale".parse().unwrap();
/// assert_eq!(plan.to_string(), "7:drop-after=5,stale=10");
/// assert!("7:drop=5".parse::<FaultPlan>().unwrap_err().contains("drop-before"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultPlan {
    seed: u64,
    /// Shares of [`BASIS_POINTS`]; nothing is the default mix.
    mix: Option<Vec<(FaultKind, u32)>>,
}

impl FaultPlan {
    /// The default mix: every fault, together on roughly one call in six.
    pub fn seeded(seed: u64) -> Self {
        Self { seed, mix: None }
    }

    /// The names of all faults.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ALL_KINDS.iter().map(|kind| kind.name())
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether this fault is in the mix.
    pub(super) fn includes(&self, kind: FaultKind) -> bool {
        self.shares()
            .any(|(other, share)| other == kind && share > 0)
    }

    fn shares(&self) -> impl Iterator<Item = (FaultKind, u32)> {
        let every = ALL_KINDS.iter().filter(|_| self.mix.is_none());
        let every = every.map(|kind| (*kind, DEFAULT_SHARE));
        self.mix.iter().flatten().copied().chain(every)
    }

    /// The fault at this place of the die, which has [`BASIS_POINTS`] sides.
    pub(super) fn fault_at(&self, side: u32) -> Option<FaultKind> {
        let mut end = 0;
        let mut shares = self.shares();
        let hit = shares.find(|(_, share)| {
            end += share;
            side < end
        });
        hit.map(|(kind, _)| kind)
    }
}

impl FromStr for FaultPlan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (seed, mix) = match text.split_once(':') {
            Some((seed, mix)) => (seed, Some(mix)),
            None => (text, None),
        };
        let seed = seed.trim().parse();
        Ok(Self {
            seed: seed.map_err(|_| "the seed must be a whole number, as in 7 or 7:429=10")?,
            mix: mix.map(parse_mix).transpose()?,
        })
    }
}

fn parse_mix(text: &str) -> Result<Vec<(FaultKind, u32)>, String> {
    let mut mix: Vec<(FaultKind, u32)> = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (name, percent) = match part.split_once('=') {
            Some((name, percent)) => (name.trim(), percent.trim().parse().ok()),
            None => (part, Some(DEFAULT_PERCENT)),
        };
        let Some(kind) = ALL_KINDS.iter().find(|kind| kind.name() == name) else {
            let known: Vec<_> = FaultPlan::names().collect();
            let known = known.join(", ");
            return Err(format!("unknown fault {name:?}; known are {known}"));
        };
        let percent = percent.filter(|percent| *percent <= 100);
        let percent = percent.ok_or(format!("{name}: write a percentage from 0 to 100"))?;
        if mix.iter().any(|(other, _)| other == kind) {
            return Err(format!("{name} is given twice"));
        }
        mix.push((*kind, percent * (BASIS_POINTS / 100)));
    }
    let all: u32 = mix.iter().map(|(_, share)| share).sum();
    if all > BASIS_POINTS {
        return Err(format!(
            "the faults come to {} % of all calls",
            all / (BASIS_POINTS / 100)
        ));
    }
    Ok(mix)
}

impl fmt::Display for FaultPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seed)?;
        for (at, (kind, share)) in self.mix.iter().flatten().enumerate() {
            let mark = if at == 0 { ':' } else { ',' };
            write!(f, "{mark}{}={}", kind.name(), share / (BASIS_POINTS / 100))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn plan(text: &str) -> FaultPlan {
        text.parse().unwrap()
    }

    #[test]
    fn plans_are_read_and_written() {
        assert_eq!(plan("7").to_string(), "7");
        let text = "7:drop-after=5,429=10,stale=3";
        assert_eq!(plan(text).to_string(), text);
        assert_eq!(
            plan(" 7 : stale , slow = 1 ").to_string(),
            "7:stale=10,slow=1"
        );
        assert!(plan("7").includes(FaultKind::Stale));
        assert!(!plan("7:stale=0,slow").includes(FaultKind::Stale));
        for (text, words) in [
            ("", "whole number"),
            ("x:stale", "whole number"),
            ("-1", "whole number"),
            ("7:", "unknown fault \"\""),
            ("7:drop", "known are 429, 429-date"),
            ("7:stale=101", "from 0 to 100"),
            ("7:stale=many", "from 0 to 100"),
            ("7:stale,stale", "twice"),
            ("7:stale=60,slow=60", "120 %"),
        ] {
            let error = text.parse::<FaultPlan>().unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn every_fault_has_a_name_of_its_own() {
        let names: BTreeSet<_> = FaultPlan::names().collect();
        assert_eq!(names.len(), ALL_KINDS.len());
    }
}

//! Fault plans: a seed and a mix of faults, parsed from text such as `7:429=10,drop-after=5`.
//!
//! This file defines the faults ([`FaultKind`]) and the share of all calls that meets each fault. `fault_schedule`
//! draws the fault of a call, and `fault_injector` applies it.
//!
//! # Worked example
//!
//! Shares are counted in basis points, hundredths of a percent. The plan `7:429=10,slow=25` divides the numbers
//! from 0 to 9,999 among its faults in the order in which they are written:
//!
//! | number drawn | fault |
//! | --- | --- |
//! | 0 to 999 | `429` (10 % = 1,000 basis points) |
//! | 1,000 to 3,499 | `slow` (25 % = 2,500 basis points) |
//! | 3,500 to 9,999 | none |
//!
//! The plan `7` has the default mix: each of the 21 faults gets 10,000 / 6 / 21 = 79 basis points, so 1,659 of
//! 10,000 calls, one in six, meet a fault.

use std::fmt;
use std::str::FromStr;

/// One thing that can go wrong with a call to a vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// 429 with a `Retry-After` in seconds.
    TooMany,
    /// 429 with a `Retry-After` that is an HTTP date.
    TooManyUntil,
    /// 429 without `Retry-After`.
    TooManyBare,
    /// 408; the call does not reach the vendor.
    Timeout,
    /// 425; the call does not reach the vendor.
    TooEarly,
    /// A server error; the call does not reach the vendor.
    Server(ServerError),
    /// A server error, after the vendor carried the call out.
    ServerAfter(ServerError),
    /// The connection ends without a reply; the vendor never sees the call.
    DropBefore,
    /// The connection ends without a reply, after the vendor carried the call out.
    DropAfter,
    /// The connection ends in the middle of the reply.
    DropDuring,
    /// The reply arrives in pieces with pauses between them.
    Slow,
    /// The body is cut in half, with a `Content-Length` that fits the half.
    Truncated,
    /// An HTML page with status 200 replaces the reply.
    Html,
    /// The call reaches the vendor twice; the second reply is sent.
    Twice,
    /// A read shows the account as it was before a recent write, as a lagging replica would.
    Stale,
    /// The session of the call is ended before the vendor looks at it.
    Session,
    /// Another admin or a licensee changes the account just before the call.
    Foreign,
}

/// The server errors that a gateway or a vendor may answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServerError {
    /// 500.
    Internal,
    /// 502.
    BadGateway,
    /// 503.
    Unavailable,
}

/// Every fault, in the order in which the default mix shares them out.
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
    /// Returns the name used in fault plans and in the request record.
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

    /// Returns whether a client must repeat the call because of this fault.
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

/// All calls, in the unit in which shares are counted: 1 basis point is 0.01 %.
pub(super) const BASIS_POINTS: u32 = 10_000;
/// The share of each fault in the default mix, in basis points: together they hit one call in six.
const DEFAULT_SHARE: u32 = BASIS_POINTS / 6 / ALL_KINDS.len() as u32;
/// The percentage of a fault that is named without one.
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
    /// Faults and their shares in basis points; `None` is the default mix.
    mix: Option<Vec<(FaultKind, u32)>>,
}

impl FaultPlan {
    /// Returns a plan with the default mix: every fault, together on roughly one call in six.
    pub fn seeded(seed: u64) -> Self {
        Self { seed, mix: None }
    }

    /// Lists the names of all faults that a plan may contain.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ALL_KINDS.iter().map(|kind| kind.name())
    }

    /// Returns the seed; two plans that differ in it draw different faults for the same calls.
    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// Returns whether the mix gives this fault a share above zero.
    pub(super) fn includes(&self, kind: FaultKind) -> bool {
        self.shares()
            .any(|(other, share)| other == kind && share > 0)
    }

    /// Lists the faults of the mix with their shares in basis points.
    fn shares(&self) -> impl Iterator<Item = (FaultKind, u32)> {
        let every = ALL_KINDS.iter().filter(|_| self.mix.is_none());
        let every = every.map(|kind| (*kind, DEFAULT_SHARE));
        self.mix.iter().flatten().copied().chain(every)
    }

    /// Returns the fault that a drawn number from 0 to 9,999 stands for, `None` if the call goes well.
    ///
    /// The module documentation has a worked example.
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

/// Parses `429=10,drop-after=5,stale` into faults and shares in basis points.
///
/// `Err` says which name is unknown or given twice, which percentage is not one, or that the sum is above 100 %.
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

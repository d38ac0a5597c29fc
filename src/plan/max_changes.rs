//! The limit of `--max-changes`: how many objects may change at once, and of which objects a share counts.

use std::fmt;
use std::str::FromStr;

/// Limits how many objects may change at once, as `--max-changes` states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxChanges {
    Count(usize),
    /// A share of the objects of the [`LimitBase`].
    Percent(u8),
}

impl MaxChanges {
    /// The limit of a daemon that is given none.
    ///
    /// The number is that of octoDNS, which has kept DNS zones from being emptied for years: 30 %, counted from 10
    /// objects.
    pub const OF_DAEMON: &str = "30%";
}

impl fmt::Display for MaxChanges {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(out, "{count}"),
            Self::Percent(percent) => write!(out, "{percent}%"),
        }
    }
}

impl FromStr for MaxChanges {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault = || format!("write a number such as 20, or a share such as 10%, not {text:?}");
        match text.strip_suffix('%') {
            Some(share) => match share.trim().parse() {
                Ok(percent) if percent <= 100 => Ok(Self::Percent(percent)),
                _ => Err(fault()),
            },
            None => text.trim().parse().map(Self::Count).map_err(|_| fault()),
        }
    }
}

/// Names the objects that a limit on changes counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitBase {
    /// All objects of a plan, which a person looks at.
    Plan,
    /// All objects of the connection of this name, in a daemon. Changes that were held back before count as well, so
    /// that a large change is not let through in small pieces.
    Connection(String),
}

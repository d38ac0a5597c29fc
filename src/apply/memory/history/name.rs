//! Short names of runs, and the run that a short name stands for.
//!
//! A run has a UUID whose first eight digits are a time of about a minute, so runs of one minute begin alike. As git
//! does with commits, a run is shown by the shortest beginning that no other run has, and named by any beginning
//! that fits one run only.

use std::collections::BTreeSet;

/// The shortest beginning that is shown, which is the first group of a UUID.
const SHORTEST: usize = 8;

/// The reason for which a name stands for no run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunNameError {
    #[error("the journal has no run {0}")]
    Unknown(String),
    /// Several runs begin with it; these are their short names.
    #[error("{name} is the beginning of {} runs: {}", runs.len(), list_some(runs))]
    Ambiguous { name: String, runs: Vec<String> },
}

/// Joins the first four names with commas; `…` stands for the others.
fn list_some(runs: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown = runs.iter().take(SHOWN).map(String::as_str);
    let more = (runs.len() > SHOWN).then_some("…");
    shown.chain(more).collect::<Vec<_>>().join(", ")
}

/// Returns for every run, in their order, the shortest beginning of at least eight characters that no other run has.
///
/// For example `01a22859-7c1f…` and `01a22859-8d20…` become `01a22859-7` and `01a22859-8`, while a run alone in its
/// minute is `01a22859`. A name that is the beginning of another one is shown whole.
pub fn shorten_names<'a>(runs: &BTreeSet<&'a str>) -> Vec<&'a str> {
    let all: Vec<&str> = runs.iter().copied().collect();
    let common = |one: &str, other: Option<&&str>| {
        let other = other.copied().unwrap_or_default();
        let pairs = one.char_indices().zip(other.chars());
        let same = pairs.take_while(|((_, a), b)| a == b);
        same.last().map_or(0, |((at, c), _)| at + c.len_utf8())
    };
    let shorten = |(place, run): (usize, &&'a str)| {
        let before = place.checked_sub(1).and_then(|before| all.get(before));
        let alike = common(run, before).max(common(run, all.get(place + 1)));
        // One character more than the neighbours share, and no less than the shortest.
        let ends = run.char_indices().map(|(at, c)| at + c.len_utf8());
        let mut ends = ends.filter(|end| *end > alike && *end >= SHORTEST);
        &run[..ends.next().unwrap_or(run.len())]
    };
    runs.iter().enumerate().map(shorten).collect()
}

/// Returns the run that `name` is, or the only one that it is the beginning of.
pub fn find_named_run<'a>(name: &str, runs: &BTreeSet<&'a str>) -> Result<&'a str, RunNameError> {
    if let Some(run) = runs.get(name) {
        return Ok(run);
    }
    let mut found = runs.iter().filter(|run| run.starts_with(name));
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(RunNameError::Unknown(name.to_string())),
        (Some(_), Some(_)) => {
            let shorts = runs.iter().zip(shorten_names(runs));
            let alike = shorts.filter(|(run, _)| run.starts_with(name));
            Err(RunNameError::Ambiguous {
                name: name.to_string(),
                runs: alike.map(|(_, short)| short.to_string()).collect(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNS: [&str; 4] = [
        "01a22859-7c1f-7000-8000-000000000001",
        "01a22859-7d20-7000-8000-000000000002",
        "01a2285a-0000-7000-8000-000000000003",
        "one",
    ];

    #[test]
    fn a_run_is_shown_by_what_no_other_begins_with() {
        let runs = BTreeSet::from(RUNS);
        let shorts = shorten_names(&runs);
        assert_eq!(shorts, ["01a22859-7c", "01a22859-7d", "01a2285a", "one"]);
        for (run, short) in runs.iter().zip(shorts) {
            assert_eq!(find_named_run(short, &runs), Ok(*run));
        }
        let nested = BTreeSet::from(["12345678", "123456789"]);
        assert_eq!(shorten_names(&nested), ["12345678", "123456789"]);
        assert_eq!(find_named_run("12345678", &nested), Ok("12345678"));
    }

    #[test]
    fn a_beginning_of_several_runs_names_them() {
        let runs = BTreeSet::from(RUNS);
        let error = find_named_run("01a22859", &runs).unwrap_err();
        assert_eq!(
            error.to_string(),
            "01a22859 is the beginning of 2 runs: 01a22859-7c, 01a22859-7d"
        );
        let error = find_named_run("02", &runs).unwrap_err();
        assert_eq!(error.to_string(), "the journal has no run 02");
    }
}

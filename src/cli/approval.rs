//! The question before a write: what a person accepts, in numbers, and the one answer that accepts it.
//!
//! In: the objects of a plan. Out: a question and its answer as data; [`ask`] puts the question at the terminal. A plan
//! that strands users is accepted by their changes' number, so that users do not accept it by habit.

use std::io::BufRead;

use super::output;
use crate::cli::error::CommandResult;
use crate::model::Risk;
use crate::model::wording::pluralize;
use crate::plan::{Disposition, Planned};

/// The question to a person, and the answer that approves the plan.
#[derive(Debug, PartialEq, Eq)]
pub struct Question {
    pub text: String,
    /// The answer that approves; every other answer does not.
    pub answer: String,
    /// What `yes` does not accept, where it is not the answer: `strands users`.
    needs_count: &'static str,
}

impl Question {
    /// Makes the question about the updates of a plan.
    ///
    /// ```text
    /// Update 2 objects? Only "yes" is accepted:
    /// Update 12 objects? 12 changes reduce. Only "yes" is accepted:
    /// Update 13 objects? 12 changes reduce, 1 strands 3 users. Type the number of changes that strand:
    /// Update 2 objects? 1 object removed for good. Type the number of objects to remove:
    /// ```
    pub fn about(planned: &[Planned]) -> Self {
        let updates = planned.iter();
        let updates = updates.filter(|one| one.action.writes());
        let removals = planned.iter();
        let removals = removals
            .filter(|one| one.action == Disposition::Remove)
            .count();
        let changes = updates.clone().flat_map(|one| &one.changes);
        let of = |risk: Risk| changes.clone().filter(move |change| change.risk == risk);
        let (reduce, strand) = (of(Risk::Reduce).count(), of(Risk::Strand).count());
        let users: Vec<Option<u64>> = of(Risk::Strand).map(|change| change.users).collect();
        let objects = pluralize(updates.count(), "object");
        let risks = match count_risks(reduce, strand, &describe_users(&users)) {
            Some(risks) => format!(" {risks}."),
            None => String::new(),
        };
        let (ask, answer) = match (removals, strand) {
            (0, 0) => ("Only \"yes\" is accepted: ", "yes".into()),
            (0, _) => (
                "Type the number of changes that strand: ",
                strand.to_string(),
            ),
            _ => (
                "Type the number of objects to remove: ",
                removals.to_string(),
            ),
        };
        let removed = match removals {
            0 => String::new(),
            _ => format!(" {} removed for good.", pluralize(removals, "object")),
        };
        Self {
            text: format!("Update {objects}?{removed}{risks} {ask}"),
            answer,
            needs_count: match removals {
                0 => "strands users",
                _ => "removes objects",
            },
        }
    }
}

/// Counts risky changes: `12 changes reduce, 1 strands 3 users`. The first count has the noun; `None` without risks.
fn count_risks(reduce: usize, strand: usize, users: &str) -> Option<String> {
    let verb = |number: usize, word: &str| match number {
        1 => format!("{word}s"),
        _ => word.to_string(),
    };
    let reduces = format!("{} {}", pluralize(reduce, "change"), verb(reduce, "reduce"));
    let strands = format!("{} {users}", verb(strand, "strand"));
    match (reduce, strand) {
        (0, 0) => None,
        (_, 0) => Some(reduces),
        (0, _) => Some(format!("{} {strands}", pluralize(strand, "change"))),
        (..) => Some(format!("{reduces}, {strand} {strands}")),
    }
}

/// Describes the users that all stranding changes take something from: `3 users`, `at least 3 users`, or `users` where
/// no change knows its number.
fn describe_users(users: &[Option<u64>]) -> String {
    let known: u64 = users.iter().flatten().sum();
    let is_whole = users.iter().all(Option::is_some);
    let count = || pluralize(usize::try_from(known).unwrap_or(usize::MAX), "user");
    match (known, is_whole) {
        (0, _) => "users".into(),
        (_, true) => count(),
        (_, false) => format!("at least {}", count()),
    }
}

/// Asks the person at the terminal, and reports whether they approved. An empty line and the end of input do not.
pub fn ask(question: &Question) -> CommandResult<bool> {
    output::print_note("");
    output::print_question(&question.text)?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let typed = line.trim();
    if typed == "yes" && question.answer != "yes" {
        let why = question.needs_count;
        output::print_note(&format!("\"yes\" does not accept a plan that {why}."));
    }
    Ok(typed == question.answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn risks_are_counted_with_the_users_that_lose() {
        let counted = |reduce, strand: &[Option<u64>]| {
            count_risks(reduce, strand.len(), &describe_users(strand)).unwrap_or_default()
        };
        assert_eq!(counted(0, &[]), "");
        assert_eq!(counted(1, &[]), "1 change reduces");
        assert_eq!(counted(12, &[]), "12 changes reduce");
        assert_eq!(counted(0, &[Some(3)]), "1 change strands 3 users");
        assert_eq!(counted(0, &[Some(1), Some(0)]), "2 changes strand 1 user");
        assert_eq!(
            counted(12, &[Some(3)]),
            "12 changes reduce, 1 strands 3 users"
        );
        assert_eq!(
            counted(1, &[Some(3), None]),
            "1 change reduces, 2 strand at least 3 users"
        );
        assert_eq!(counted(0, &[None]), "1 change strands users");
    }
}

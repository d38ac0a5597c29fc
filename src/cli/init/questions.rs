//! Questions at the terminal: a list to choose from, a text, yes or no. After an invalid answer the question is
//! repeated with the reason.

use std::io::BufRead;

use crate::cli::error::{CommandResult, bail};
use crate::cli::output;
use crate::model::diagnostic::find_nearest;

/// Asks for a text and returns it trimmed; an empty answer takes the default.
///
/// `fault` returns what is wrong with an answer, `None` if it will do. A question without a default is repeated until it is
/// answered. Returns `Err` if the input ends.
pub fn ask_text(
    question: &str,
    default: Option<&str>,
    fault: impl Fn(&str) -> Option<String>,
) -> CommandResult<String> {
    loop {
        let offer = default.map(|text| format!(" [{text}]")).unwrap_or_default();
        output::print_question(&format!("{question}{offer}: "))?;
        let line = read_answer()?;
        let answer = match (line.as_str(), default) {
            ("", Some(default)) => default,
            ("", None) => continue,
            (text, _) => text,
        };
        match fault(answer) {
            None => return Ok(answer.to_string()),
            Some(fault) => output::print_note(&format!("  {fault}")),
        }
    }
}

/// Shows what there is to choose, each with a line about it, and asks for one by its name.
pub fn ask_choice(
    question: &str,
    choices: &[(&str, String)],
    default: Option<&str>,
) -> CommandResult<String> {
    output::print_note(&format!("{question}:"));
    let widest = choices.iter().map(|(name, _)| name.len()).max();
    for (name, about) in choices {
        output::print_note(&format!(
            "  {name:width$}  {about}",
            width = widest.unwrap_or(0)
        ));
    }
    let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    ask_text(question, default, |answer| {
        describe_unknown(question, answer, &names)
    })
}

/// Asks a question that nothing but `y` or `yes` agrees to.
pub fn ask_consent(question: &str) -> CommandResult<bool> {
    output::print_question(&format!("{question} [y/N]: "))?;
    let answer = read_answer()?.to_lowercase();
    Ok(matches!(answer.as_str(), "y" | "yes"))
}

/// Returns the sentence about a name that is none of `names`; `None` if it is one.
///
/// It suggests the nearest name (`criptlex` gives "did you mean cryptlex?") or, if none is near, lists all.
pub fn describe_unknown(what: &str, given: &str, names: &[&str]) -> Option<String> {
    if names.contains(&given) {
        return None;
    }
    let what = what.to_lowercase();
    Some(match find_nearest(given, names.iter().copied()) {
        Some(near) => format!("unknown {what} {given:?}: did you mean {near}?"),
        None => format!("unknown {what} {given:?}: one of {}", names.join(", ")),
    })
}

/// Reads a line from the terminal, trimmed. Returns `Err` if the input ends.
fn read_answer() -> CommandResult<String> {
    let mut line = String::new();
    if std::io::stdin().lock().read_line(&mut line)? == 0 {
        bail!("the input ended before everything was answered");
    }
    Ok(line.trim().to_string())
}

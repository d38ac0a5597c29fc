//! Renders the table of the last passes.

use jiff::Timestamp;
use maud::{Markup, html};

use super::frame::time_element;
use crate::daemon::status::{PassStatus, Status};
use crate::model::wording::shorten;

/// Passes that are shown at once; the others are one click away.
const FIRST: usize = 10;

/// Renders the last passes, the newest first.
pub fn pass_section(status: &Status, now: Timestamp) -> Markup {
    let newest: Vec<&PassStatus> = status.passes.iter().rev().collect();
    let (first, rest) = newest.split_at(newest.len().min(FIRST));
    html! {
        section #passes {
            h2 { "Passes" }
            @if first.is_empty() { p.empty { "None yet." } }
            @else { (pass_table(first, now)) }
            @if !rest.is_empty() {
                details.more id="older" {
                    summary { (rest.len()) " older" }
                    (pass_table(rest, now))
                }
            }
        }
    }
}

fn pass_table(passes: &[&PassStatus], now: Timestamp) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table.passes {
                thead {
                    tr {
                        th scope="col" { "Pass" }
                        th scope="col" { "Began" }
                        th scope="col" { "Took" }
                        th scope="col" { "Objects" }
                        th scope="col" { "In sync" }
                        th scope="col" { "Written" }
                        th scope="col" { "Left so" }
                        th scope="col" { "Failed" }
                        th scope="col" { "Why" }
                    }
                }
                tbody { @for pass in passes { (pass_row(pass, now)) } }
            }
        }
    }
}

fn pass_row(pass: &PassStatus, now: Timestamp) -> Markup {
    let number = |number: usize| {
        if number == 0 {
            "–".to_string()
        } else {
            number.to_string()
        }
    };
    html! {
        tr {
            th scope="row" { (pass.number) }
            td { (time_element(pass.started_at, now)) }
            td { (format!("{:.2} s", pass.seconds)) }
            td { (number(pass.objects)) }
            td { (number(pass.in_sync)) }
            td { (number(pass.written)) }
            td { (number(pass.pending)) }
            td.bad[pass.failed > 0] { (number(pass.failed)) }
            td.why { (shorten(&pass.reasons.join(", "), 160)) }
        }
    }
}

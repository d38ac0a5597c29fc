//! The report and the exit code of `watch --once`.
//!
//! In: the `Status` that the daemon ended with. Out: lines on standard output and an `Exit`. Both are
//! derived from the status alone; nothing here reads manifests or calls a vendor.

use std::io::Write;

use super::exit::Exit;
use super::output;
use crate::daemon::status::{ObjectState, ObjectStatus, Status};
use crate::model::{Outcome, compare_natural};
use crate::render::change::describe_change;
use crate::render::safe::make_visible;
use crate::render::text::write_paragraph;

/// Prints what holds whole connections back, each other object that is not in sync with its changes, and a closing line
/// of counts.
///
/// Objects in sync are counted and not listed. With 10 objects, 7 in sync of which 2 were written by
/// this pass, 1 never applied and 2 failed, the closing line is:
///
/// ```text
/// Watch: 7 in sync, 2 of them written just now, 1 never applied, 2 not.
/// ```
///
/// Returns `Err` if standard output cannot be written.
pub fn print_report(status: &Status) -> std::io::Result<()> {
    let mut out = output::text_stdout();
    let (mut in_sync, mut written) = (0, 0);
    print_connections(&mut out, status)?;
    for object in sort_objects(status) {
        if object.state == ObjectState::InSync {
            in_sync += 1;
            written += usize::from(object.last_write.is_some());
            continue;
        }
        if object.problem.is_some() {
            continue;
        }
        let message = object.message.as_deref().unwrap_or_default();
        writeln!(
            out,
            "{}  {}  {}",
            make_visible(&object.address),
            object.state.name(),
            make_visible(message)
        )?;
        for change in &object.changes {
            writeln!(out, "    {}", make_visible(&describe_change(change)))?;
        }
    }
    let count = |state| {
        let objects = status.objects.iter();
        objects.filter(|object| object.state == state).count()
    };
    let left = [
        (count(ObjectState::AsApplied), "left as last applied"),
        (count(ObjectState::NeverApplied), "never applied"),
    ];
    let others =
        status.objects.len() - in_sync - left.map(|(count, _)| count).iter().sum::<usize>();
    let left = left.iter().filter(|(count, _)| *count > 0);
    let left: String = left
        .map(|(count, words)| format!(", {count} {words}"))
        .collect();
    writeln!(
        out,
        "Watch: {in_sync} in sync, {written} of them written just now{left}, {others} not."
    )?;
    out.flush()
}

/// Prints what holds whole connections back, which stands for each object behind it.
fn print_connections(out: &mut dyn Write, status: &Status) -> std::io::Result<()> {
    let plain = anstyle::Style::new();
    if let Some(why) = &status.brake.why {
        write_paragraph(out, 0, &format!("The brake is on: {why}"), plain)?;
    }
    for (name, connection) in &status.connections {
        if let Some(holder) = &connection.locked {
            let words = format!("Nothing is written at {name}: {holder}");
            write_paragraph(out, 0, &words, plain)?;
        }
        for problem in &connection.problems {
            write_paragraph(out, 0, &problem.sentence(name), plain)?;
            if let Some(hint) = &problem.hint {
                write_paragraph(out, 4, &format!("→ {hint}"), plain)?;
            }
        }
    }
    Ok(())
}

/// Returns the objects with the worst first: what failed or is missing, then by the risk of their changes, and equally
/// bad ones in the natural order of their addresses.
fn sort_objects(status: &Status) -> Vec<&ObjectStatus> {
    let is_well = |object: &ObjectStatus| match object.state {
        ObjectState::Failed | ObjectState::Missing => false,
        ObjectState::Fought
        | ObjectState::Refused
        | ObjectState::Differs
        | ObjectState::Waiting
        | ObjectState::NeverApplied
        | ObjectState::AsApplied
        | ObjectState::Unseen
        | ObjectState::Suspended
        | ObjectState::Elsewhere
        | ObjectState::InSync => true,
    };
    let mut objects: Vec<&ObjectStatus> = status.objects.iter().map(AsRef::as_ref).collect();
    objects.sort_by(|one, other| {
        let well = is_well(one).cmp(&is_well(other));
        let risks = other.risk.cmp(&one.risk);
        well.then(risks)
            .then_with(|| compare_natural(&one.address, &other.address))
    });
    objects
}

/// Returns the exit code that `apply` would have had for the same outcome.
///
/// The first rule that holds decides:
///
/// 1. `Error`: no manifests were read, or an object failed and none was examined with success.
/// 2. `Partly`: an object failed or is missing, beside others that were examined.
/// 3. `Unconverged`: a write was accepted, but the object did not become as the manifest says.
/// 4. `Locked`: another process holds a connection's account.
/// 5. `Refused`: a write was refused by a guard.
/// 6. `Done`: everything else. A difference that the mode does not write is no fault.
///
/// For example, 3 objects in sync and 1 failed give `Partly`; 1 failed alone gives `Error`.
pub fn exit_of(status: &Status) -> Exit {
    let any = |state: ObjectState| status.objects.iter().any(|object| object.state == state);
    let locked = status.connections.values().any(|c| c.locked.is_some());
    // The vendor accepted the write, but the object read back differs from the manifest. The engine
    // counts that as failed; the exit code tells it apart.
    let odd = |object: &ObjectStatus| {
        let write = object.last_write.as_ref();
        object.state == ObjectState::Failed
            && write.is_some_and(|write| write.outcome == Outcome::Unconverged)
    };
    let unconverged = status.objects.iter().any(|object| odd(object));
    let mut others = status.objects.iter().filter(|object| !odd(object));
    let failed =
        others.any(|object| matches!(object.state, ObjectState::Failed | ObjectState::Missing));
    let looked = [
        ObjectState::InSync,
        ObjectState::AsApplied,
        ObjectState::NeverApplied,
        ObjectState::Differs,
    ];
    let well = unconverged || looked.into_iter().any(any);
    if status.source.revision.is_none() || failed && !well {
        Exit::Error
    } else if failed {
        Exit::Partly
    } else if unconverged {
        Exit::Unconverged
    } else if locked {
        Exit::Locked
    } else if any(ObjectState::Refused) {
        Exit::Refused
    } else {
        Exit::Done
    }
}

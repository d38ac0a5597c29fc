//! Reads objects of one connection or of all, for commands that begin with what is live.
//!
//! In: the connection that was named, if any, and which objects are asked for. Out: what was read, connection by
//! connection. Accounts are read side by side. A fault of one of several connections is printed, and ends up in the exit
//! code; that of the only one is an error.

use std::collections::BTreeSet;

use futures::future::join_all;

use super::exit::Exit;
use super::output;
use super::setup::Setup;
use crate::cli::error::{CommandResult, bail};
use crate::model::with_causes;
use crate::reconcile::import::{self, Ask, ImportError, ReadObjects};

/// The objects that were read, and the connections that could not be listed.
pub struct ReadConnections {
    pub reads: Vec<ReadObjects>,
    /// Connections whose vendor has no call that lists its objects, with the reason; none if one was named.
    pub unlisted: Vec<(String, String)>,
    /// `Exit::Error` if a connection could not be read.
    pub exit: Exit,
}

/// Reads the objects that `ask` means, at the named connection or at all of them.
///
/// Objects that are asked for by id are of one connection, which has to be named where there are several; an update
/// reads the connections that have a manifest. Returns `Err` for a connection that does not exist, and if the only one
/// cannot be read in full. `consequence` ends the sentence about a list that is not complete.
pub async fn read_connections(
    setup: &Setup,
    named: Option<&str>,
    ask: &Ask,
    consequence: &str,
) -> CommandResult<ReadConnections> {
    let checked = &setup.checked;
    let mut connections = match ask {
        Ask::Everything => import::choose_connections(checked, named)?,
        Ask::Managed(ids) if ids.is_empty() => import::choose_connections(checked, named)?,
        Ask::Ids(_) | Ask::Managed(_) => vec![import::choose_connection(checked, named)?],
    };
    if matches!(ask, Ask::Managed(_)) && connections.len() > 1 {
        let has_manifest = |name: &String| checked.desired.iter().any(|it| it.connection == *name);
        connections.retain(has_manifest);
    }
    let read = |connection| async move {
        let kind = import::kind_at(checked, connection)?;
        import::read_objects(checked, connection, kind, ask, &setup.settings).await
    };
    let results = join_all(connections.iter().map(|connection| read(connection))).await;
    let is_only = connections.len() == 1;
    let mut all = ReadConnections {
        reads: Vec::new(),
        unlisted: Vec::new(),
        exit: Exit::Done,
    };
    for (connection, result) in connections.into_iter().zip(results) {
        let fault = match result {
            Ok(read) if read.failures.is_empty() => {
                all.reads.push(read);
                continue;
            }
            Ok(mut read) => {
                // Several lists of an account may fail for one reason, such as a variable that is not set.
                let mut seen = BTreeSet::new();
                read.failures.retain(|failure| seen.insert(failure.clone()));
                let separator = if is_only { "\n  " } else { "; " };
                let why = read.failures.join(separator);
                format!("the list of objects is not complete{consequence}: {why}")
            }
            Err(error) if is_only => return Err(error.into()),
            Err(error @ ImportError::NoList { .. }) => {
                all.unlisted.push((connection, error.to_string()));
                continue;
            }
            Err(error) => with_causes(&error),
        };
        if is_only {
            bail!("{fault}");
        }
        output::print_error(&format!("{connection}: {fault}"));
        all.exit = Exit::Error;
    }
    Ok(all)
}

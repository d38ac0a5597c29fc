//! Reads objects of one connection or of all, for commands that begin with what is live.
//!
//! In: the connection and the kinds that were named, if any, and which objects are asked for. Out: what was read,
//! connection by connection and kind by kind. Accounts are read side by side, and the kinds of one account together. A
//! fault of one of several is printed, and ends up in the exit code; if it is all there is, it is an error.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use super::exit::Exit;
use super::output;
use super::setup::Setup;
use crate::cli::error::{CommandError, CommandResult, user_error};
use crate::model::{Kind, with_causes};
use crate::reconcile::Accounts;
use crate::reconcile::import::{self, Ask, ImportError, KindRead, ReadObjects};

/// Which objects a command reads.
pub struct ReadScope<'a> {
    /// The connection that was named.
    pub connection: Option<&'a str>,
    /// The kinds that were named; all without any.
    pub kinds: &'a [Kind],
    pub ask: Ask,
    /// Accounts that are open already.
    pub accounts: Accounts,
}

/// The objects that were read, and those that could not be listed.
pub struct ReadConnections {
    /// One entry for each connection and kind.
    pub reads: Vec<ReadObjects>,
    /// Objects that the vendor has no call to list; none if nothing else was asked for.
    pub unlisted: Vec<Unlisted>,
    /// `Exit::Error` if something could not be read.
    pub exit: Exit,
}

/// Objects of one kind at one connection that the vendor has no call to list.
pub struct Unlisted {
    pub connection: String,
    pub kind: Kind,
    pub reason: String,
    /// Whether the connection has objects of other kinds as well.
    has_others: bool,
}

/// Reads the objects that `scope` means, at the named connection or at all of them.
///
/// Objects that are asked for by id are of one connection, which has to be named where there are several; an update
/// reads the connections that have a manifest. Returns `Err` for a connection or a kind that is not there, and if
/// nothing that was asked for can be read in full. Variables with credentials that are not set are reported for all
/// connections before the first call, and these are not read. `consequence` ends the sentence about a list that is not complete.
pub async fn read_connections(
    setup: &Setup,
    scope: &ReadScope<'_>,
    consequence: &str,
) -> CommandResult<ReadConnections> {
    let mut connections = choose_connections(setup, scope)?;
    let is_only = connections.len() == 1;
    let unset = setup.tell_unset_variables_at(&connections)?;
    connections.retain(|name| !unset.contains(name));
    if connections.is_empty() && !unset.is_empty() {
        return Err(CommandError::Unreadable);
    }
    let (checked, settings) = (&setup.checked, &setup.settings);
    let read = |connection| async move {
        let kinds = import::kinds_at(checked, connection, scope.kinds);
        match scope.accounts.get(connection) {
            Some(account) => {
                import::read_kinds_in(account, checked, connection, &kinds, &scope.ask).await
            }
            None => import::read_kinds(checked, connection, &kinds, &scope.ask, settings).await,
        }
    };
    let results = join_all(connections.iter().map(|connection| read(connection))).await;
    let mut all = ReadConnections {
        reads: Vec::new(),
        unlisted: Vec::new(),
        exit: match unset.is_empty() {
            true => Exit::Done,
            false => Exit::Error,
        },
    };
    for (connection, result) in connections.into_iter().zip(results) {
        let reads = match result {
            Ok(reads) => reads,
            Err(error) if is_only => return Err(error.into()),
            Err(error) => {
                all.report(&connection, &with_causes(&error));
                continue;
            }
        };
        all.add(&connection, reads, is_only, consequence)?;
    }
    Ok(all)
}

/// Returns the connections to read.
fn choose_connections(setup: &Setup, scope: &ReadScope<'_>) -> CommandResult<Vec<String>> {
    let (checked, named, kinds) = (&setup.checked, scope.connection, scope.kinds);
    let has_many = match &scope.ask {
        Ask::Everything => true,
        Ask::Managed(ids) => ids.is_empty(),
        Ask::Ids(_) => false,
    };
    if !has_many {
        return Ok(vec![import::choose_connection(checked, named, kinds)?]);
    }
    let mut connections = import::choose_connections(checked, named, kinds)?;
    if matches!(scope.ask, Ask::Managed(_)) && connections.len() > 1 {
        let has_manifest = |name: &String| checked.desired.iter().any(|it| it.connection == *name);
        connections.retain(has_manifest);
    }
    Ok(connections)
}

impl ReadConnections {
    /// Adds what was read at a connection. Returns `Err` if it is the only one and none of it could be read, for one
    /// reason.
    fn add(
        &mut self,
        connection: &str,
        reads: Vec<KindRead>,
        is_only: bool,
        consequence: &str,
    ) -> CommandResult<()> {
        let kinds = reads.len();
        // Kinds by the reason why they could not be read: one list may serve several of them.
        let mut faults: BTreeMap<String, Vec<Kind>> = BTreeMap::new();
        for KindRead { kind, read } in reads {
            let kind = kind.table().kind;
            match read {
                Ok(read) if read.failures.is_empty() => self.reads.push(read),
                Ok(read) => {
                    let separator = if is_only { "\n  " } else { "; " };
                    let why = distinct(read.failures).join(separator);
                    let fault = format!("the list of objects is not complete{consequence}: {why}");
                    faults.entry(fault).or_default().push(kind);
                }
                Err(error) if is_only && kinds == 1 => return Err(error.into()),
                Err(ImportError::NoList(why)) => self.unlisted.push(Unlisted {
                    connection: connection.to_string(),
                    kind,
                    reason: why.to_string(),
                    has_others: why.has_other_kinds(),
                }),
                Err(error) => faults.entry(with_causes(&error)).or_default().push(kind),
            }
        }
        for (fault, of_kinds) in faults {
            match (is_only, of_kinds.len() == kinds) {
                (true, true) => return Err(user_error(fault)),
                (false, true) => self.report(connection, &fault),
                (_, false) => {
                    let kinds: Vec<&str> = of_kinds.iter().map(|kind| kind.0).collect();
                    let kinds = kinds.join(", ");
                    self.report(&format!("{kinds} at {connection}"), &fault);
                }
            }
        }
        Ok(())
    }

    /// Prints a fault of one of several connections or kinds.
    fn report(&mut self, objects: &str, fault: &str) {
        output::print_error(&format!("{objects}: {fault}"));
        self.exit = Exit::Error;
    }

    /// Prints a note on everything that was left out.
    pub fn note_unlisted(&self) {
        for unlisted in &self.unlisted {
            let Unlisted {
                connection,
                kind,
                reason,
                has_others,
            } = unlisted;
            let objects = match has_others {
                true => format!("{kind} at {connection}"),
                false => connection.clone(),
            };
            output::print_note(&format!("{objects} is left out: {reason}"));
        }
    }
}

/// Returns the failures without repetitions: several lists of an account may fail for one reason, such as a variable
/// that is not set.
fn distinct(mut failures: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    failures.retain(|failure| seen.insert(failure.clone()));
    failures
}

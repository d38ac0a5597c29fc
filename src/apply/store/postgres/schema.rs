//! The tables, and how those of an older version become those of this one.

use tokio_postgres::Client;

use super::connection::Fault;
use super::error::{Task, Words};

/// The tables that this version works with. Another number here is one that it cannot write to.
const MAJOR: i32 = 1;

/// What makes the tables of one version from those of the one before. What was released never changes.
const MIGRATIONS: &[&str] = &[include_str!("schema/1.sql")];

/// Keeps two programs from migrating at once. A lock of the transaction works through a pooler too.
const ALONE: &str = "SELECT pg_advisory_xact_lock(7309467842125)";

/// The version of the tables: major, then the number of migrations that were carried out.
type Version = (i32, i32);

/// Makes the tables those of this version, if they are not, and says in words why that cannot be.
pub async fn prepare(client: &mut Client) -> Result<(), Words> {
    if is_current(version(client).await?)? {
        return Ok(());
    }
    let migrated = migrate(client).await;
    migrated.map_err(|words| match words {
        Words::Fault(Task::Open, Fault::Refused(error)) if is_right(&error) => Words::Said(format!(
            "its tables are not there or of an older version, and this user may not make them ({}): \
             let a user who may run `entitle store check` once",
            error.as_db_error().map_or("no right", |error| error.message())
        )),
        words => words,
    })
}

fn is_right(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE)
}

/// Reports whether nothing is to be done; a version that this program must not touch is an error.
fn is_current((major, minor): Version) -> Result<bool, Words> {
    match major {
        0 | MAJOR => Ok(usize::try_from(minor).is_ok_and(|minor| minor >= MIGRATIONS.len())),
        newer => Err(Words::Said(format!(
            "its tables are of version {newer} and this entitle knows version {MAJOR}: update entitle here"
        ))),
    }
}

/// Reads the version; 0 where there are no tables.
async fn version(client: &Client) -> Result<Version, Fault> {
    let there = "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = 'entitle' AND c.relname = 'version'";
    if client.query_typed(there, &[]).await?.is_empty() {
        return Ok((0, 0));
    }
    let newest = "SELECT major, minor FROM entitle.version ORDER BY major DESC, minor DESC LIMIT 1";
    let rows = client.query_typed(newest, &[]).await?;
    match rows.first() {
        Some(row) => Ok((row.try_get(0)?, row.try_get(1)?)),
        None => Ok((0, 0)),
    }
}

async fn migrate(client: &mut Client) -> Result<(), Words> {
    let transaction = client.transaction().await.map_err(Fault::from)?;
    transaction
        .query_typed(ALONE, &[])
        .await
        .map_err(Fault::from)?;
    // Somebody else may have done it meanwhile.
    let version = version(transaction.client()).await?;
    if is_current(version)? {
        return Ok(());
    }
    let done = usize::try_from(version.1).unwrap_or_default();
    for (at, sql) in MIGRATIONS.iter().enumerate().skip(done) {
        transaction.batch_execute(sql).await.map_err(Fault::from)?;
        let minor = at + 1;
        let note = format!("INSERT INTO entitle.version (major, minor) VALUES ({MAJOR}, {minor})");
        transaction
            .batch_execute(&note)
            .await
            .map_err(Fault::from)?;
    }
    transaction.commit().await.map_err(Fault::from)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_version_is_refused_and_what_a_newer_program_added_is_not() {
        let all = i32::try_from(MIGRATIONS.len()).unwrap();
        let current = |major, minor| is_current((major, minor)).map_err(|words| words.to_string());
        assert_eq!(current(0, 0), Ok(false));
        assert_eq!(current(MAJOR, all), Ok(true));
        assert_eq!(current(MAJOR, all + 3), Ok(true));
        let error = current(MAJOR + 1, 1).unwrap_err();
        assert!(error.contains("version 2"), "{error}");
        assert!(error.contains("update entitle"), "{error}");
    }
}

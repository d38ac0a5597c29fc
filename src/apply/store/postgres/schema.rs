//! The tables, and their migrations from older versions.

use tokio_postgres::Client;

use super::connection::QueryError;
use super::error::{DatabaseOpenError, StoreTask};

/// The major version of tables that this program can write to.
const MAJOR: i32 = 1;

/// The migrations from each version to the next. A released one never changes.
const MIGRATIONS: &[&str] = &[include_str!("schema/1.sql")];

/// Keeps two programs from migrating at once. A lock of the transaction works through a pooler too.
const LOCK_MIGRATION: &str = "SELECT pg_advisory_xact_lock(7309467842125)";

/// The version of the tables: the major version, and the number of migrations carried out.
type SchemaVersion = (i32, i32);

/// Brings the tables to this version. `Err` says why that is impossible.
pub async fn ensure_tables(client: &mut Client) -> Result<(), DatabaseOpenError> {
    if is_current(read_version(client).await?)? {
        return Ok(());
    }
    let migrated = run_migrations(client).await;
    migrated.map_err(|error| match error {
        DatabaseOpenError::Query(StoreTask::Open, QueryError::Refused(error)) if is_missing_privilege(&error) => DatabaseOpenError::Unusable(format!(
            "its tables are not there or of an older version, and this user may not make them ({}): \
             let a user who may run `entitle store check` once",
            error.as_db_error().map_or("no right", |error| error.message())
        )),
        error => error,
    })
}

/// Reports whether the user lacks a privilege.
fn is_missing_privilege(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE)
}

/// Reports whether the tables are up to date; `Err` for a version that this program must not touch.
fn is_current((major, minor): SchemaVersion) -> Result<bool, DatabaseOpenError> {
    match major {
        0 | MAJOR => Ok(usize::try_from(minor).is_ok_and(|minor| minor >= MIGRATIONS.len())),
        newer => Err(DatabaseOpenError::Unusable(format!(
            "its tables are of version {newer} and this entitle knows version {MAJOR}: update entitle here"
        ))),
    }
}

/// Reads the version; `(0, 0)` where there are no tables.
async fn read_version(client: &Client) -> Result<SchemaVersion, QueryError> {
    let select_table = "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = 'entitle' AND c.relname = 'version'";
    if client.query_typed(select_table, &[]).await?.is_empty() {
        return Ok((0, 0));
    }
    let newest = "SELECT major, minor FROM entitle.version ORDER BY major DESC, minor DESC LIMIT 1";
    let rows = client.query_typed(newest, &[]).await?;
    match rows.first() {
        Some(row) => Ok((row.try_get(0)?, row.try_get(1)?)),
        None => Ok((0, 0)),
    }
}

/// Runs the missing migrations in one transaction.
async fn run_migrations(client: &mut Client) -> Result<(), DatabaseOpenError> {
    let transaction = client.transaction().await.map_err(QueryError::from)?;
    transaction
        .query_typed(LOCK_MIGRATION, &[])
        .await
        .map_err(QueryError::from)?;
    // Another program may have migrated while this one waited for the lock.
    let version = read_version(transaction.client()).await?;
    if is_current(version)? {
        return Ok(());
    }
    let done = usize::try_from(version.1).unwrap_or_default();
    for (at, sql) in MIGRATIONS.iter().enumerate().skip(done) {
        transaction
            .batch_execute(sql)
            .await
            .map_err(QueryError::from)?;
        let minor = at + 1;
        let note = format!("INSERT INTO entitle.version (major, minor) VALUES ({MAJOR}, {minor})");
        transaction
            .batch_execute(&note)
            .await
            .map_err(QueryError::from)?;
    }
    transaction.commit().await.map_err(QueryError::from)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_version_is_refused_and_what_a_newer_program_added_is_not() {
        let all = i32::try_from(MIGRATIONS.len()).unwrap();
        let current = |major, minor| is_current((major, minor)).map_err(|error| error.to_string());
        assert_eq!(current(0, 0), Ok(false));
        assert_eq!(current(MAJOR, all), Ok(true));
        assert_eq!(current(MAJOR, all + 3), Ok(true));
        let error = current(MAJOR + 1, 1).unwrap_err();
        assert!(error.contains("version 2"), "{error}");
        assert!(error.contains("update entitle"), "{error}");
    }
}

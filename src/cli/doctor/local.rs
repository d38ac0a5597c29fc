//! The parts of a set-up that are on this machine: program, git, schema, store.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::checkup::Checkup;
use crate::cli::args::StoreArgs;
use crate::cli::command_run::Access;
use crate::cli::stores;
use crate::cli::{files, state, version};
use crate::files::read::{self, ReadBounds};
use crate::manifest::yaml::MAX_FILE_BYTES;
use crate::model::with_causes;
use crate::render::schema;

/// Checks which program this is.
pub fn check_program(checkup: &mut Checkup) {
    checkup.add_ok(
        "version",
        format!("entitle {}", version::describe_version()),
    );
}

/// Checks that plans can name the commit that they were made from.
pub async fn check_git(paths: Vec<PathBuf>, checkup: &mut Checkup) {
    const NAME: &str = "git";
    if let Some(commit) = state::current_commit(paths).await {
        let short: String = commit.chars().take(12).collect();
        return checkup.add_ok(NAME, format!("commit {short}"));
    }
    let mut asked = Command::new("git");
    asked.arg("--version").stdin(Stdio::null());
    asked.stdout(Stdio::null()).stderr(Stdio::null());
    if !asked.status().await.is_ok_and(|status| status.success()) {
        return checkup.add_warning(
            NAME,
            "there is no git on the PATH: plans name no commit",
            "install it; `watch --git` and `drift --base` need it",
        );
    }
    checkup.add_warning(
        NAME,
        "no commit is checked out here: plans name none",
        "run entitle in the repository of your manifests",
    );
}

/// Checks that the schema by which editors check manifests is the one of this program.
pub fn check_schema(paths: &[PathBuf], checkup: &mut Checkup) {
    const NAME: &str = "schema";
    let dir = paths.first().map_or(Path::new("."), PathBuf::as_path);
    let Some(path) = files::find_schema(dir) else {
        return checkup.add_ok(NAME, "no copy is here: editors take the published one");
    };
    let here = std::env::current_dir().unwrap_or_default();
    let shown = path.strip_prefix(here).unwrap_or(&path).display();
    let same = serde_json::to_value(schema::manifest_schema())
        .ok()
        .is_some_and(|schema| {
            let text = read::read_text(&path, ReadBounds::file(MAX_FILE_BYTES));
            let read = text.ok().and_then(|text| serde_json::from_str(&text).ok());
            read == Some(schema)
        });
    match same {
        true => checkup.add_ok(NAME, format!("{shown} is that of this program")),
        false => checkup.add_warning(
            NAME,
            format!("{shown} is that of another version"),
            "write it anew: entitle schema --out schemas",
        ),
    }
}

/// Checks that the store of locks and journal can be used.
pub async fn check_store(args: &StoreArgs, simulated: bool, checkup: &mut Checkup) {
    const NAME: &str = "store";
    let local = args.local();
    let args = if simulated { &local } else { args };
    let is_empty = std::env::var_os("ENTITLE_STORE").is_some_and(|url| url.is_empty());
    if is_empty && args.shared.url.is_none() {
        return checkup.add_warning(
            NAME,
            "ENTITLE_STORE is empty: runs lock and remember on this machine only",
            "give it the address of your store, or unset it if that is meant",
        );
    }
    let opened = match stores::open_for_admin(args, Access::Read).await {
        Ok(store) => store
            .list_leases()
            .await
            .map(|leases| (store.name(), leases)),
        Err(error) => {
            let way = "correct --store or ENTITLE_STORE; see `entitle help store`";
            return checkup.add_error(NAME, error.to_string(), way);
        }
    };
    let (name, leases) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            let way = "`entitle store check` tries out what runs need of it";
            return checkup.add_error(NAME, with_causes(&error), way);
        }
    };
    if args.shared.url.is_none() {
        let journal = match state::journal_path(args) {
            Ok(journal) => journal,
            Err(error) => return checkup.add_error(NAME, error.to_string(), state::HINT),
        };
        // A file without a name tells whether the journal could be written.
        let folder = journal_folder(&journal);
        if let Err(error) = tempfile::tempfile_in(&folder) {
            let (folder, error) = (folder.display(), with_causes(&error));
            let problem = format!("nothing can be written in {folder}: {error}");
            return checkup.add_error(NAME, problem, state::HINT);
        }
    }
    let locked = leases.iter().filter(|lease| lease.holder.is_some()).count();
    match locked {
        0 => checkup.add_ok(NAME, name),
        _ => checkup.add_ok(NAME, format!("{name}, {locked} accounts are locked now")),
    }
}

/// Returns the nearest folder of the journal of this user that exists.
fn journal_folder(journal: &Path) -> PathBuf {
    let journal = std::path::absolute(journal).unwrap_or_else(|_| journal.into());
    let mut folders = journal.ancestors().skip(1);
    let folder = folders.find(|folder| folder.is_dir());
    folder.unwrap_or(Path::new("/")).into()
}

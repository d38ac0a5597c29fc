//! The files of a starter project, made from the vendor's tables.
//!
//! In: a `Choice`. Out: relative paths and texts. Pure: no file is read or written and nothing is asked
//! here, so that the caller can check the project before it writes any of it. Field names and examples
//! come from the provider's tables, so that a new field of a vendor appears without a change here.

use clap::ValueEnum;
use serde_json::{Value as Json, json};
use url::Url;

use super::layout::ProjectLayout;
use crate::cli::error::{CommandResult, bail};
use crate::cli::files::SCHEMA;
use crate::manifest::write;
use crate::model::{Field, Need, Shape};
use crate::provider::auth::AuthForm;
use crate::provider::{Provider, ResourceKind};
use crate::render::schema;

/// The answers that a starter project depends on, all of them checked.
pub struct Choice {
    pub provider: &'static dyn Provider,
    pub name: String,
    pub base_url: String,
    pub form: &'static AuthForm,
    pub ci: Ci,
}

/// Where the project's jobs run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Ci {
    /// GitHub Actions
    Github,
    /// GitLab CI/CD
    Gitlab,
    /// No jobs
    None,
}

impl Ci {
    pub const ALL: [Self; 3] = [Self::Github, Self::Gitlab, Self::None];

    /// Returns the name by which it is chosen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::None => "none",
        }
    }

    /// Returns a line about it.
    pub fn about(self) -> &'static str {
        match self {
            Self::Github => "Plan on pull requests, apply after the merge, look for drift at night",
            Self::Gitlab => "Plan on merge requests, apply by hand, look for drift by schedule",
            Self::None => "No jobs: you run entitle by hand, or as a daemon",
        }
    }

    /// Returns the path at which the CI service looks for its jobs, from the top of the repository.
    pub fn path(self) -> Option<&'static str> {
        match self {
            Self::Github => Some(".github/workflows/licences.yaml"),
            Self::Gitlab => Some(".gitlab-ci.yml"),
            Self::None => None,
        }
    }

    /// Returns the pattern for all files below a folder.
    fn all_files(self) -> &'static str {
        match self {
            Self::Github | Self::None => "**",
            Self::Gitlab => "**/*",
        }
    }

    /// Returns the text of the jobs, with `{dir}`, `{files}`, `{host}`, `{names}`, `{secrets}` and `{version}` to be filled
    /// in.
    fn template(self) -> &'static str {
        match self {
            Self::Github => include_str!("github.yaml"),
            Self::Gitlab => include_str!("gitlab.yaml"),
            Self::None => "",
        }
    }
}

/// The name of the first manifest.
pub const EXAMPLE: &str = "example.yaml";

/// A file of the project.
pub struct ProjectFile {
    /// Its path from the top of the repository.
    pub path: String,
    pub text: String,
    pub is_manifest: bool,
}

/// Returns the files of the project.
///
/// Returns `Err` if the provider has no kind of object, or a text cannot be written as YAML or JSON.
pub fn project_files(choice: &Choice, layout: &ProjectLayout) -> CommandResult<Vec<ProjectFile>> {
    let mut manifest_schema = serde_json::to_string_pretty(&schema::manifest_schema())?;
    manifest_schema.push('\n');
    let file = |path: &str, text: String| ProjectFile {
        path: path.to_string(),
        text,
        is_manifest: false,
    };
    let manifest = |name: &str, text: String| ProjectFile {
        is_manifest: true,
        ..file(&layout.manifest(name), text)
    };
    let mut files = vec![
        manifest("connection.yaml", connection_text(choice, layout)?),
        manifest(EXAMPLE, manifest_text(choice, layout)?),
        file(SCHEMA, manifest_schema),
    ];
    if let Some(path) = choice.ci.path() {
        files.push(file(path, job_text(choice, layout)?));
    }
    files.push(file(".vscode/settings.json", editor_settings(layout)?));
    files.push(file(".gitignore", ignore_file()));
    Ok(files)
}

/// Returns the comment line by which an editor finds the schema, for a file in the folder of manifests.
fn schema_line(layout: &ProjectLayout) -> String {
    write::modeline(&format!("{}{SCHEMA}", layout.way_up()))
}

/// Reports whether the vendor has a list of objects of some kind.
pub fn has_list(provider: &dyn Provider) -> bool {
    provider.kinds().iter().any(|kind| kind.listing().is_some())
}

/// Returns the command that writes manifests of what is there: of everything that the vendor lists, or of one object where
/// it has no list.
pub fn import_command(choice: &Choice, layout: &ProjectLayout) -> String {
    let what = match choice.provider.kinds() {
        [kind, others @ ..] if !has_list(choice.provider) => {
            let table = kind.table();
            let ids: Vec<&str> = table.identity.iter().map(|one| one.name).collect();
            let id = format!("--id {}", ids.join("/").to_uppercase());
            match others.is_empty() {
                true => id,
                false => format!("--kind {} {id}", table.kind),
            }
        }
        _ => "--all".into(),
    };
    let folder = &layout.folder;
    format!(
        "entitle import --connection {} {what} --out {folder} {folder}",
        choice.name
    )
}

/// Returns a text as a YAML scalar on one line, in quotes where YAML would read something else.
fn quote_scalar(text: &str) -> CommandResult<String> {
    Ok(write::yaml(&Json::from(text))?.trim_end().to_string())
}

/// Returns the environment variable of a credential.
///
/// The connection `lac-test` with the member `password` gives `LAC_TEST_PASSWORD`. A capital letter
/// begins a word, so `cryptlex` with `apiKey` gives `CRYPTLEX_API_KEY`. A name that begins with a digit
/// gets an underscore before it: `3d` with `token` gives `_3D_TOKEN`.
fn variable_name(choice: &Choice, member: &str) -> String {
    let mut name = choice.name.to_uppercase().replace(['-', '.'], "_");
    // Shells take no variable name that begins with a digit.
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name.push('_');
    for c in member.chars() {
        if c.is_uppercase() {
            name.push('_');
        }
        name.extend(c.to_uppercase());
    }
    name
}

/// Returns the members of the chosen form, each with its variable.
///
/// A form without members is a single secret, and is its own member: `token` gives one pair. Where a
/// member has several spellings, the first one is used.
pub fn credential_variables(choice: &Choice) -> Vec<(&'static str, String)> {
    let members = choice.form.members.iter().filter_map(|any| any.first());
    let members: Vec<&'static str> = members.copied().collect();
    let single = [choice.form.name];
    let members = if members.is_empty() {
        &single[..]
    } else {
        &members
    };
    members
        .iter()
        .map(|member| (*member, variable_name(choice, member)))
        .collect()
}

/// Returns the manifest of the connection. Credentials are named by variable, and never written down.
///
/// A form with one secret stands on one line; one with members is a mapping. `clientCredentials` also
/// needs the address of a token endpoint, for which a placeholder is written.
fn connection_text(choice: &Choice, layout: &ProjectLayout) -> CommandResult<String> {
    let vendor = choice.provider.vendor().0;
    let credentials = credential_variables(choice);
    let names: Vec<&str> = credentials.iter().map(|(_, name)| name.as_str()).collect();
    let auth = match credentials.as_slice() {
        [(member, name)] if choice.form.members.is_empty() => {
            format!("    {member}: {{env: {name}}}\n")
        }
        several => {
            let mut text = format!("    {}:\n", choice.form.name);
            if choice.form.name == "clientCredentials" {
                text += "      # The token endpoint of your identity provider.\n";
                text += "      tokenUrl: https://login.example.com/oauth/token\n";
            }
            for (member, name) in several {
                text += &format!("      {member}: {{env: {name}}}\n");
            }
            text
        }
    };
    Ok(format!(
        "{head}#\n\
         # One account at one vendor. Manifests name it by `connection`, or not at all while it is the only one.\n\
         # Credentials are never written down here: set {names}.\n\
         apiVersion: {version}\n\
         kind: Connection\n\
         metadata:\n  name: {name}\n\
         spec:\n  vendor: {vendor}\n\
         \x20 # Everything before the paths that the vendor's pages print.\n\
         \x20 baseUrl: {url}\n\
         \x20 auth:\n{auth}",
        head = schema_line(layout),
        names = names.join(", "),
        version = crate::manifest::API_VERSION,
        name = quote_scalar(&choice.name)?,
        url = quote_scalar(&choice.base_url)?,
    ))
}

/// Returns a first manifest of the provider's first kind, with its identity and its required fields. Other kinds are named
/// in a comment.
///
/// The identity comes from the examples in the table, as a number where the field is one. Each required
/// field has a value that its type takes. Fields that may be set are listed as comments with their descriptions, and those
/// that may never be set are left out.
fn manifest_text(choice: &Choice, layout: &ProjectLayout) -> CommandResult<String> {
    let [kind, others @ ..] = choice.provider.kinds() else {
        bail!("{} has no kind of object", choice.provider.vendor());
    };
    let table = kind.table();
    let identity: Vec<(&str, Json)> = table
        .identity
        .iter()
        .map(|one| {
            let number = one.example.parse::<u64>();
            let id = match (&one.shape, number) {
                (Shape::Integer { .. }, Ok(number)) => Json::from(number),
                _ => Json::from(one.example),
            };
            (one.name, id)
        })
        .collect();
    let needed = table
        .desired
        .iter()
        .filter(|field| field.need == Need::InManifest);
    let needed: Json = needed
        .map(|field| (field.name.to_string(), example_value(&field.shape)))
        .collect();
    let document = write::object(table.kind, "example", &choice.name, &identity, needed);
    let fields: String = table
        .desired
        .iter()
        .filter(|field| !matches!(field.need, Need::InManifest | Need::Never))
        .map(field_comment)
        .collect();
    Ok(format!(
        "{head}#\n\
         # {about}\n\
         {others}\
         #\n\
         # A field that is not named under `desired` is not managed: it stays as it is. To begin with what you\n\
         # have, replace this file by:\n\
         #\n\
         #   {import}\n\
         {document}\
         \x20   # More fields; `entitle explain {kind}` has them all:\n{fields}",
        head = schema_line(layout),
        about = table.about,
        others = comment_on_kinds(others),
        import = import_command(choice, layout),
        document = write::yaml(&document)?,
        kind = table.kind,
    ))
}

/// Returns a value that a field of this type takes, for a person to replace.
fn example_value(shape: &Shape) -> Json {
    match shape {
        Shape::Text { .. } | Shape::Id => json!("example"),
        Shape::Integer { min, .. } => json!(1.max(*min)),
        Shape::Boolean => json!(true),
        Shape::Choice { values, .. } => json!(values.first()),
        Shape::Date => json!("2030-01-31"),
        Shape::Instant => json!("2030-01-31T00:00:00Z"),
        Shape::Guid => json!("00000000-0000-0000-0000-000000000000"),
        Shape::Object => json!({}),
        Shape::Set(_) | Shape::Keyed(_) | Shape::List(_) => json!([]),
    }
}

/// Returns a comment line for each kind that the vendor has beside the one of the example; empty without any.
fn comment_on_kinds(others: &[&dyn ResourceKind]) -> String {
    let lines = others.iter().map(|kind| {
        let table = kind.table();
        format!("# {}: {}\n", table.kind, table.about)
    });
    match others.is_empty() {
        true => String::new(),
        false => format!(
            "#\n# Other kinds of objects in the account:\n#\n{}",
            lines.collect::<String>()
        ),
    }
}

/// Returns a field as a comment line below `desired`.
fn field_comment(field: &Field) -> String {
    format!("    # {}: {}\n", field.name, field.about)
}

/// Returns the CI jobs, with the host, the variables and the version of this program filled in.
///
/// On GitHub the variables are secrets of the same names. A base URL without a host gives an empty one.
fn job_text(choice: &Choice, layout: &ProjectLayout) -> CommandResult<String> {
    let credentials = credential_variables(choice);
    let names: Vec<&str> = credentials.iter().map(|(_, name)| name.as_str()).collect();
    let secrets = names
        .iter()
        .map(|name| format!("{name}: ${{{{ secrets.{name} }}}}"));
    let secrets: Vec<String> = secrets.collect();
    let url = Url::parse(&choice.base_url);
    let host = url.ok().and_then(|url| url.host_str().map(str::to_string));
    let text = choice
        .ci
        .template()
        .replace("{dir}", &layout.folder)
        .replace(
            "{files}",
            &quote_scalar(&layout.manifest(choice.ci.all_files()))?,
        )
        .replace("{host}", &quote_scalar(&host.unwrap_or_default())?)
        .replace("{names}", &names.join(" and "))
        .replace("{secrets}", &secrets.join("\n          "))
        .replace("{version}", env!("CARGO_PKG_VERSION"));
    Ok(text)
}

/// Returns the settings by which VS Code checks manifests against the schema in the project.
fn editor_settings(layout: &ProjectLayout) -> CommandResult<String> {
    let settings = json!({
        "yaml.schemas": {format!("./{SCHEMA}"): [layout.manifest("**/*.yaml"), layout.manifest("**/*.yml")]},
    });
    Ok(serde_json::to_string_pretty(&settings)? + "\n")
}

/// Returns the `.gitignore`: saved plans hold live values, and `.env` files hold credentials.
fn ignore_file() -> String {
    "# Saved plans hold live values, and .env files hold credentials.\nplan.json\n*.plan.json\n.env\n".into()
}

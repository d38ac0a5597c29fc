//! A secret of the program itself on the command line: one flag for its text, one for a file that has it.
//!
//! In: names, variables and help. Out: a clap argument group of two flags that exclude each other, and one way to read
//! them. Secrets of manifests are references and are resolved elsewhere (`apply::secrets`).

use std::path::PathBuf;

use crate::apply::secrets::read_named_file;
use crate::cli::error::CommandResult;
use crate::model::SecretText;

/// Declares a struct of two flags for one secret. The flags are named after the fields.
///
/// `requires` names the argument without which the secret means nothing.
macro_rules! secret_flags {
    (
        $(#[$doc:meta])*
        $name:ident,
        $text:ident($value:literal, $env:literal): $help:literal,
        $file:ident($file_env:literal): $file_help:literal
        $(, requires $needs:literal)?
    ) => {
        $(#[$doc])*
        #[derive(clap::Args)]
        struct $name {
            #[arg(long, value_name = $value, env = $env, hide_env_values = true, help = $help $(, requires = $needs)?)]
            $text: Option<String>,
            #[arg(
                long, value_name = "FILE", env = $file_env, help = $file_help,
                conflicts_with = stringify!($text) $(, requires = $needs)?
            )]
            $file: Option<std::path::PathBuf>,
        }

        impl $name {
            /// Returns the secret; `None` if neither flag is given. `Err` if the file cannot be read.
            fn read(&self) -> $crate::cli::error::CommandResult<Option<$crate::model::SecretText>> {
                $crate::cli::secret_flags::read_secret(self.$text.as_deref(), self.$file.as_ref())
            }
        }
    };
}
pub(in crate::cli) use secret_flags;

/// Reads a secret from the text of a flag, or from a file.
pub fn read_secret(
    text: Option<&str>,
    file: Option<&PathBuf>,
) -> CommandResult<Option<SecretText>> {
    match (text, file) {
        (Some(text), _) => Ok(Some(SecretText::from(text.to_string()))),
        (None, Some(path)) => Ok(Some(read_named_file(path)?)),
        (None, None) => Ok(None),
    }
}

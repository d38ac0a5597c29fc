//! The hosts that credentials may be sent to, and the source of that list: the user or the project file.

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, Error, FromArgMatches};

use crate::model::trusted_host::TrustedHost;

/// The list, wherever it comes from.
#[derive(Clone, Debug)]
pub struct TrustedHosts {
    pub list: Option<Vec<TrustedHost>>,
    /// True if the list is that of the project file, which comes with the manifests.
    pub of_project: bool,
}

#[derive(Args)]
struct Typed {
    /// Send credentials to these hosts only: HOST, HOST:PORT, *.DOMAIN for every host below, http://HOST for plain http
    #[arg(
        long,
        value_name = "HOST",
        env = "ENTITLE_TRUST_HOSTS",
        value_delimiter = ','
    )]
    trust_hosts: Option<Vec<TrustedHost>>,
}

impl FromArgMatches for TrustedHosts {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        // A project gives its defaults to the arguments before they are parsed.
        let of_project = matches.value_source("trust_hosts") == Some(ValueSource::DefaultValue);
        Ok(Self {
            list: Typed::from_arg_matches(matches)?.trust_hosts,
            of_project,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for TrustedHosts {
    fn augment_args(command: Command) -> Command {
        Typed::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Typed::augment_args_for_update(command)
    }
}

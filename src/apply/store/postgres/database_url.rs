//! The URL of a database: its TLS mode, and its name without the password.

use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// How long making a connection may take, its handshake included.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A parsed database URL. It holds the password, so it cannot be printed; [`DatabaseUrl::name`] can.
pub struct DatabaseUrl {
    config: Config,
    name: String,
}

impl DatabaseUrl {
    /// Parses `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…`. `Err` repeats nothing of it that may be a
    /// password.
    ///
    /// TLS with a checked certificate and name is the default, and `require`, `verify-ca` and `verify-full` all mean
    /// it. Unix sockets and loopback go without TLS by default, since nobody can listen there; other hosts only with
    /// `sslmode=disable`. The modes that let the server choose (`prefer`, `allow`) are refused for other hosts: an
    /// attacker in between would choose.
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        // The driver also accepts `key=value` lists.
        let is_url = ["postgres://", "postgresql://"]
            .iter()
            .any(|start| url.starts_with(start));
        let (address, mode) = split_mode(url)?;
        let config = Config::from_str(&address).ok().filter(|_| is_url);
        let mut config = config.ok_or(AddressError::NotPostgres)?;
        let tls = choose_tls(mode.as_deref(), is_local(&config))?;
        config.ssl_mode(if tls {
            SslMode::Require
        } else {
            SslMode::Disable
        });
        config.connect_timeout(CONNECT_TIMEOUT);
        // Unacknowledged data and silent connections must not block for hours.
        config.tcp_user_timeout(CONNECT_TIMEOUT);
        config.keepalives_idle(Duration::from_secs(30));
        if config.get_application_name().is_none() {
            config.application_name("entitle");
        }
        let name = display_name(&config);
        Ok(Self { config, name })
    }

    /// Returns the driver's settings, the password included.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the name of the database for messages: its URL without password and options.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reports whether connections use TLS.
    pub fn uses_tls(&self) -> bool {
        self.config.get_ssl_mode() == SslMode::Require
    }

    /// Returns the user that logs in, for messages.
    pub fn user(&self) -> &str {
        self.config.get_user().unwrap_or("the user")
    }
}

/// Why a URL does not name a database. It repeats nothing of the URL that may be a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error(
        "it is not a PostgreSQL URL: postgres://USER:PASSWORD@HOST:PORT/DATABASE, with special characters as %XX"
    )]
    NotPostgres,
    #[error("`{0}` is not supported: name a file of further certificates in SSL_CERT_FILE")]
    CertificateOption(String),
    #[error("its options are {}; a `?` in a password is written %3F", KNOWN_OPTIONS.join(", "))]
    UnknownOption,
    #[error(
        "with `sslmode={0}` the password and the journal may go over the network in the clear; write \
         `sslmode=require`, or `sslmode=disable` if that is meant"
    )]
    OptionalTls(&'static str),
    #[error(
        "its `sslmode` is none of disable, require, verify-ca and verify-full, and the default is require"
    )]
    UnknownTlsMode,
}

/// Options that this module or the driver reads.
const KNOWN_OPTIONS: [&str; 16] = [
    "user",
    "password",
    "dbname",
    "options",
    "application_name",
    "sslnegotiation",
    "host",
    "hostaddr",
    "port",
    "connect_timeout",
    "keepalives",
    "keepalives_idle",
    "target_session_attrs",
    "channel_binding",
    "load_balance_hosts",
    "sslmode",
];

/// Splits a URL into the part for the driver and its `sslmode`, of which the driver knows other values.
fn split_mode(url: &str) -> Result<(String, Option<String>), AddressError> {
    let Some((start, query)) = url.split_once('?') else {
        return Ok((url.to_string(), None));
    };
    let mut mode = None;
    let mut others = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        match key {
            "sslmode" => mode = Some(value.to_string()),
            // The system's certificates, as everywhere.
            "sslrootcert" if value == "system" => {}
            "sslrootcert" | "sslcert" | "sslkey" => {
                return Err(AddressError::CertificateOption(key.to_string()));
            }
            key if KNOWN_OPTIONS.contains(&key) => others.push(pair),
            // It may be the second half of a password that contains a question mark.
            _ => return Err(AddressError::UnknownOption),
        }
    }
    Ok((format!("{start}?{}", others.join("&")), mode))
}

/// Decides from `sslmode` and the hosts whether to use TLS.
fn choose_tls(mode: Option<&str>, near: bool) -> Result<bool, AddressError> {
    match mode {
        None => Ok(!near),
        Some("disable") => Ok(false),
        Some("require" | "verify-ca" | "verify-full") => Ok(true),
        Some("prefer" | "allow") if near => Ok(false),
        Some("prefer") => Err(AddressError::OptionalTls("prefer")),
        Some("allow") => Err(AddressError::OptionalTls("allow")),
        Some(_) => Err(AddressError::UnknownTlsMode),
    }
}

/// Reports whether every host is this machine, so that no other machine can listen in.
fn is_local(config: &Config) -> bool {
    let addresses = config.get_hostaddrs();
    if !addresses.is_empty() {
        return addresses.iter().all(IpAddr::is_loopback);
    }
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    })
}

/// Formats the URL without password and options.
fn display_name(config: &Config) -> String {
    let ports = config.get_ports();
    let hosts = config.get_hosts().iter().enumerate().map(|(at, host)| {
        let host = match host {
            Host::Tcp(name) if name.contains(':') => format!("[{name}]"),
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        };
        match ports.get(at).or(ports.first()) {
            Some(5432) | None => host,
            Some(port) => format!("{host}:{port}"),
        }
    });
    let hosts = hosts.collect::<Vec<_>>().join(",");
    let user = config.get_user().map(|user| format!("{user}@"));
    let database = config.get_dbname().map(|name| format!("/{name}"));
    format!(
        "postgres://{}{hosts}{}",
        user.unwrap_or_default(),
        database.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(url: &str) -> Result<bool, AddressError> {
        DatabaseUrl::parse(url).map(|address| address.uses_tls())
    }

    #[test]
    fn a_database_elsewhere_is_reached_with_tls_unless_it_is_spelled_out() {
        let far = "postgres://ann:secret@db.example.com/entitle";
        assert_eq!(tls(far), Ok(true));
        for mode in ["require", "verify-ca", "verify-full"] {
            assert_eq!(tls(&format!("{far}?sslmode={mode}")), Ok(true), "{mode}");
        }
        assert_eq!(tls(&format!("{far}?sslmode=disable")), Ok(false));
        assert_eq!(
            tls(&format!("{far}?sslmode=verify-full&sslrootcert=system")),
            Ok(true)
        );
        for (mode, part) in [
            ("prefer", "in the clear"),
            ("allow", "in the clear"),
            ("off", "none of"),
            ("", "none of"),
        ] {
            let error = tls(&format!("{far}?sslmode={mode}")).unwrap_err();
            assert!(error.to_string().contains(part), "{mode}: {error}");
        }
        // A second host that is elsewhere is elsewhere.
        assert_eq!(tls("postgres://ann@localhost,db.example.com/e"), Ok(true));
        assert_eq!(
            tls("postgres://ann@localhost/e?hostaddr=192.0.2.1"),
            Ok(true)
        );
        assert_eq!(tls("postgres://ann@localhost.example.com/e"), Ok(true));
    }

    #[test]
    fn on_this_machine_tls_is_a_choice() {
        for near in [
            "postgres://ann@localhost/e",
            "postgresql://ann@127.0.0.2:5433/e",
            "postgres://ann@[::1]/e",
            "postgres:///e?host=/var/run/postgresql",
            "postgres://ann@%2Fvar%2Frun%2Fpostgresql/e",
        ] {
            assert_eq!(tls(near), Ok(false), "{near}");
            let with = if near.contains('?') { '&' } else { '?' };
            assert_eq!(tls(&format!("{near}{with}sslmode=prefer")), Ok(false));
            assert_eq!(tls(&format!("{near}{with}sslmode=require")), Ok(true));
        }
    }

    #[test]
    fn the_name_has_no_password() {
        let name = |url| DatabaseUrl::parse(url).map(|address| address.name);
        let named = [
            (
                "postgres://ann:hunter2@db.example.com/entitle?application_name=x",
                "postgres://ann@db.example.com/entitle",
            ),
            (
                "postgresql://ann@db.example.com:6432/e?password=hunter2",
                "postgres://ann@db.example.com:6432/e",
            ),
            (
                "postgres://ann:hunter2@a:1,b:2/e",
                "postgres://ann@a:1,b:2/e",
            ),
            ("postgres://[::1]:5433", "postgres://[::1]:5433"),
            ("postgres:///e?host=/run/pg", "postgres:///run/pg/e"),
        ];
        for (url, expected) in named {
            assert_eq!(name(url).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_repeating_it() {
        let wrong = [
            "mysql://ann:hunter2@db/e",
            "host=db password=hunter2",
            "postgres://ann:hunter2@db:port/e",
            "postgres://ann:x?hunter2@db/e",
            "postgres://ann:x?hunter2=1&password=hunter2@db/e",
            "postgres://ann:hunter2@db/e?port=hunter2",
            "postgres://ann:hunter2@db/e?sslmode=hunter2",
            "postgres://ann:hunter2@db/e?sslrootcert=hunter2",
        ];
        for url in wrong {
            let error = DatabaseUrl::parse(url)
                .err()
                .unwrap_or_else(|| panic!("{url}"));
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}

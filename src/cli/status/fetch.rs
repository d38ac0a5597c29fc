//! Reads `/status` of a running daemon, and says what to do if that fails.

use std::time::Duration;

use reqwest::{Client, StatusCode, Url, header};
use secrecy::ExposeSecret;

use crate::apply::provide_crypto;
use crate::cli::error::{CommandError, CommandResult, bail, user_error};
use crate::model::SecretText;

/// The address that the examples of `entitle watch --listen` use.
const DEFAULT_ADDRESS: &str = "127.0.0.1:8900";

/// The longest wait for a reply: it is made from memory.
const LIMIT: Duration = Duration::from_secs(10);

/// A daemon, and the token that it asks for.
pub struct DaemonAddress {
    url: Url,
    token: Option<SecretText>,
}

impl DaemonAddress {
    /// Finds the daemon: `address` if it is given, else what the environment says of the daemon itself.
    ///
    /// The daemon's own token goes to the daemon's own address only: a user who
    /// names another address must name a token too.
    pub fn new(address: Option<&str>, token: Option<SecretText>) -> CommandResult<Self> {
        let of_daemon = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let own_token = || of_daemon("ENTITLE_LISTEN_TOKEN").map(SecretText::from);
        match address {
            Some(address) => Ok(Self {
                url: status_url(address)?,
                token,
            }),
            None => {
                let listen = of_daemon("ENTITLE_LISTEN");
                let address = listen.as_deref().unwrap_or(DEFAULT_ADDRESS);
                Ok(Self {
                    url: status_url(&reachable(address))?,
                    token: token.or_else(own_token),
                })
            }
        }
    }

    /// Returns the address for messages, without what it may contain of a user and password.
    fn shown(&self) -> String {
        let port = self
            .url
            .port()
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        format!(
            "{}://{}{port}",
            self.url.scheme(),
            self.url.host_str().unwrap_or_default()
        )
    }
}

/// Returns an address that can be connected to: one that listens everywhere is also on this machine.
fn reachable(listen: &str) -> String {
    let bare = listen.replace("[::]:", "[::1]:");
    match bare.strip_prefix("0.0.0.0:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => bare,
    }
}

/// Returns the URL of `/status` at an address or below a URL.
fn status_url(address: &str) -> CommandResult<Url> {
    let text = match address.contains("://") {
        true => address.to_string(),
        false => format!("http://{address}"),
    };
    let form = || {
        user_error(format_args!(
            "--address {address:?}: write HOST:PORT, or a URL of http or https"
        ))
    };
    let mut url = Url::parse(&text).map_err(|_| form())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(form());
    }
    let path = format!("{}/status", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url.set_query(None);
    Ok(url)
}

/// Reads the status as the daemon sends it.
pub async fn fetch_status(daemon: &DaemonAddress) -> CommandResult<String> {
    provide_crypto();
    let client = Client::builder()
        .user_agent(concat!("entitle/", env!("CARGO_PKG_VERSION")))
        .timeout(LIMIT)
        .redirect(reqwest::redirect::Policy::none());
    let is_local = daemon
        .url
        .host_str()
        .is_some_and(|host| host == "localhost" || host.starts_with("127.") || host == "[::1]");
    let client = if is_local { client.no_proxy() } else { client };
    let client = client
        .build()
        .map_err(|error| CommandError::caused_by("cannot make requests", error))?;
    let mut request = client
        .get(daemon.url.clone())
        .header(header::ACCEPT, "application/json");
    if let Some(token) = &daemon.token {
        request = request.bearer_auth(token.expose_secret());
    }
    let shown = daemon.shown();
    let reply = match request.send().await {
        Ok(reply) => reply,
        Err(error) if error.is_timeout() => {
            bail!("{shown} did not answer within {} s", LIMIT.as_secs())
        }
        Err(error) if error.is_connect() => {
            let port = daemon.url.port_or_known_default().unwrap_or(8900);
            bail!(
                "no daemon answers at {shown}: start one with `entitle watch --listen 127.0.0.1:{port}`, or name its address with --address"
            )
        }
        Err(error) => {
            return Err(CommandError::caused_by(
                format_args!("cannot ask {shown}"),
                error.without_url(),
            ));
        }
    };
    explain_status(reply.status(), &shown, daemon.token.is_some())?;
    let read = reply.text().await;
    read.map_err(|error| {
        CommandError::caused_by(
            format_args!("the reply of {shown} broke off"),
            error.without_url(),
        )
    })
}

/// Returns `Ok` for a reply that has the status, and otherwise what to do.
fn explain_status(status: StatusCode, shown: &str, has_token: bool) -> CommandResult<()> {
    match status {
        StatusCode::OK => Ok(()),
        StatusCode::UNAUTHORIZED if has_token => {
            bail!("the daemon at {shown} has another token: give the one of its --listen-token")
        }
        StatusCode::UNAUTHORIZED => bail!(
            "the daemon at {shown} asks for its token: give --token, --token-file, or set ENTITLE_STATUS_TOKEN"
        ),
        StatusCode::MISDIRECTED_REQUEST => bail!(
            "the daemon at {shown} answers to names of its own machine only: use 127.0.0.1 or localhost there"
        ),
        status => bail!(
            "what answers at {shown} is no daemon of entitle: it replied {}",
            status.as_u16()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_with_a_port_or_a_url() {
        for (address, url) in [
            ("127.0.0.1:8900", "http://127.0.0.1:8900/status"),
            ("[::1]:8900", "http://[::1]:8900/status"),
            ("entitle.example:80", "http://entitle.example/status"),
            (
                "https://entitle.example.com",
                "https://entitle.example.com/status",
            ),
            (
                "https://example.com/entitle/?q=x",
                "https://example.com/entitle/status",
            ),
        ] {
            let found = status_url(address).ok().map(|url| url.to_string());
            assert_eq!(found.as_deref(), Some(url), "{address}");
        }
        for bad in ["", "ftp://a", "file:///etc/passwd", ":8900", "a b"] {
            assert!(status_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_that_listens_everywhere_is_on_this_machine() {
        assert_eq!(reachable("0.0.0.0:8900"), "127.0.0.1:8900");
        assert_eq!(reachable("[::]:8900"), "[::1]:8900");
        assert_eq!(reachable("10.0.0.7:8900"), "10.0.0.7:8900");
    }
}

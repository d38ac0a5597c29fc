//! Defines the hosts that credentials may be sent to, as `--trust-hosts` and a project file name them.

use std::net::Ipv6Addr;
use std::str::FromStr;

use url::{Host, Url};

/// One trusted host: `lac.example.com`, `*.example.com`, `lac.example.com:8443` or `http://lac.example.com:8080`.
///
/// Without a port every port of the host is trusted, with one that port only. Plain http, other than to this
/// machine, is trusted only where the entry begins with `http://`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedHost {
    host: String,
    /// Set if every host below `host` is meant, and not `host` itself.
    below: bool,
    port: Option<u16>,
    plain: bool,
}

impl TrustedHost {
    /// Reports whether credentials may be sent to this URL.
    ///
    /// For example `*.example.com` covers `https://lac.example.com`, and neither `https://example.com` nor
    /// `https://badexample.com` nor `http://lac.example.com`.
    pub fn covers(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        let named = if self.below {
            let head = host.strip_suffix(self.host.as_str());
            head.is_some_and(|head| head.len() > 1 && head.ends_with('.'))
        } else {
            host == self.host
        };
        named
            && self.port.is_none_or(|port| port_of(url) == Some(port))
            && (self.plain || !is_in_the_clear(url))
    }
}

/// Reports whether a URL is reached by plain http over a network.
pub fn is_in_the_clear(url: &Url) -> bool {
    url.scheme() == "http" && !is_loopback(url)
}

/// Reports whether a URL names this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Returns the port that a URL leads to; `None` if it names none and its scheme has none. The URL standard does not
/// know the ports of mail, so they are here.
fn port_of(url: &Url) -> Option<u16> {
    url.port_or_known_default().or(match url.scheme() {
        "smtp" => Some(587),
        "smtps" => Some(465),
        _ => None,
    })
}

impl FromStr for TrustedHost {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str =
            "is no host: write HOST, HOST:PORT, *.DOMAIN, or http://HOST for plain http";
        let text = text.trim();
        let (plain, rest) = match (text.strip_prefix("http://"), text.strip_prefix("https://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => (false, text),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.is_empty() {
            return Err(
                "names no host, and an empty list would trust no host: leave it out, or name the hosts",
            );
        }
        let (below, rest) = match rest.strip_prefix("*.") {
            Some(domain) => (true, domain),
            None => (false, rest),
        };
        if rest.contains(['/', '\\', '@', '?', '#', '*', '%']) || rest.contains(char::is_whitespace)
        {
            return Err(FORM);
        }
        let (name, port) = match rest.rsplit_once(':') {
            _ if rest.parse::<Ipv6Addr>().is_ok() => (format!("[{rest}]"), None),
            Some((name, digits)) if !digits.ends_with(']') => match digits.parse::<u16>() {
                Ok(port) if port > 0 => (name.to_string(), Some(port)),
                _ => return Err("has a port that is no number from 1 to 65535"),
            },
            _ => (rest.to_string(), None),
        };
        // As URLs spell it: in lower case, other alphabets in Punycode.
        let url = Url::parse(&format!("https://{name}/")).map_err(|_| FORM)?;
        let host = url.host_str().ok_or(FORM)?.to_string();
        Ok(Self {
            host,
            below,
            port,
            plain,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(entry: &str, url: &str) -> bool {
        let entry: TrustedHost = entry.parse().expect("a host");
        entry.covers(&url.parse().expect("a URL"))
    }

    #[test]
    fn hosts_are_trusted_by_name_or_domain() {
        let below = "*.informaticacloud.com";
        assert!(covers("lac.example.com", "https://lac.example.com/x"));
        assert!(covers(
            " LAC.example.com ",
            "https://lac.example.com:8443/x"
        ));
        assert!(covers(
            "https://lac.example.com/",
            "https://lac.example.com/x"
        ));
        assert!(covers("bücher.example", "https://xn--bcher-kva.example"));
        assert!(covers(
            below,
            "https://usw3.dm-us.informaticacloud.com/saas"
        ));
        assert!(!covers(below, "https://informaticacloud.com"));
        assert!(!covers(below, "https://informaticacloud.com.evil.org"));
        assert!(!covers(below, "https://evilinformaticacloud.com"));
        assert!(!covers(
            "lac.example.com",
            "https://lac.example.com.evil.org"
        ));
        assert!(!covers("lac.example.com", "https://evil.example.com"));
    }

    #[test]
    fn a_port_that_is_named_is_the_only_one() {
        let entry = "lac.example.com:8443";
        assert!(covers(entry, "https://lac.example.com:8443/x"));
        assert!(!covers(entry, "https://lac.example.com/x"));
        assert!(covers("lac.example.com:443", "https://lac.example.com/x"));
        assert!(!covers(
            "lac.example.com:443",
            "https://lac.example.com:8443/x"
        ));
        assert!(covers("localhost:1", "http://localhost:1/x"));
        assert!(!covers("localhost:1", "http://localhost:2/x"));
        assert!(covers("*.example.com:8443", "https://lac.example.com:8443"));
        for loopback in ["::1", "[::1]", "[::1]:8080"] {
            assert!(covers(loopback, "http://[::1]:8080/x"), "{loopback}");
        }
        assert!(!covers("[::1]:8080", "http://[::1]:8081/x"));
        assert!(covers("mail.example.com:587", "smtp://mail.example.com"));
        assert!(!covers("mail.example.com:25", "smtp://mail.example.com"));
    }

    #[test]
    fn plain_http_is_trusted_where_it_is_named_and_on_this_machine() {
        let plain = "http://lac.example.com/x";
        assert!(!covers("lac.example.com", plain));
        assert!(!covers("https://lac.example.com", plain));
        assert!(!covers("*.example.com", plain));
        assert!(covers("http://lac.example.com", plain));
        assert!(covers("http://*.example.com", plain));
        assert!(covers(
            "http://lac.example.com:8080",
            "http://lac.example.com:8080/x"
        ));
        assert!(!covers("http://lac.example.com:8080", plain));
        assert!(covers(
            "http://lac.example.com",
            "https://lac.example.com/x"
        ));
        assert!(covers("127.0.0.1", "http://127.0.0.1:9000/x"));
        assert!(!covers("0.0.0.0", "http://0.0.0.0:9000/x"));
    }

    #[test]
    fn an_entry_that_could_match_nothing_is_a_mistake() {
        for entry in [
            "",
            " ",
            "*",
            "*.",
            "http://",
            "https://",
            "ftp://a.example",
            "a.example/path",
            "a b",
            "u@a.example",
            "a.example:0",
            "a.example:65536",
            "a.example:x",
            "a.example:",
            "a.*.example",
            "[::1",
            "a.example?x",
            "a.example#x",
            "a%2eexample",
            "http:/a.example",
        ] {
            assert!(entry.parse::<TrustedHost>().is_err(), "{entry:?}");
        }
    }
}

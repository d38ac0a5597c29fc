//! The value of `--sandbox`: accounts, simulators of this run, or a sandbox that runs already.

use std::net::SocketAddr;
use std::str::FromStr;

/// The systems that the connections of the manifests lead to: accounts or simulators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SandboxChoice {
    /// To the accounts that the manifests name.
    #[default]
    Off,
    /// To simulators that are started for this run and end with it.
    BuiltIn,
    /// To the simulators of `entitle sandbox` at this address.
    Running(SocketAddr),
}

impl SandboxChoice {
    /// Reports whether connections lead to simulators, of this run or of another process.
    pub fn is_on(self) -> bool {
        self != Self::Off
    }
}

impl FromStr for SandboxChoice {
    type Err = String;

    /// Parses what stands behind `--sandbox=` or in `ENTITLE_SANDBOX`: a switch as people write one, or an address.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "t" | "yes" | "y" | "on" => Ok(Self::BuiltIn),
            "0" | "false" | "f" | "no" | "n" | "off" => Ok(Self::Off),
            _ => parse_loopback(text).map(Self::Running),
        }
    }
}

/// Parses an address of this machine: `127.0.0.1:8901`, `localhost:8901` or `http://127.0.0.1:8901/`.
///
/// Returns `Err` for any other machine: simulators accept published credentials, so they listen on loopback only.
pub fn parse_loopback(text: &str) -> Result<SocketAddr, String> {
    let bare = text.strip_prefix("http://").unwrap_or(text);
    let bare = bare.trim_end_matches('/');
    let bare = match bare.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => bare.to_string(),
    };
    match bare.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => Ok(address),
        Ok(_) => Err("the simulators listen on this machine only, such as 127.0.0.1:8901".into()),
        Err(_) => Err("write an address with a port, such as 127.0.0.1:8901".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_or_an_address_of_this_machine() {
        let running = Ok(SandboxChoice::Running(SocketAddr::from((
            [127, 0, 0, 1],
            8901,
        ))));
        for text in ["127.0.0.1:8901", "localhost:8901", "http://127.0.0.1:8901/"] {
            assert_eq!(text.parse(), running, "{text}");
        }
        assert!(matches!("[::1]:1".parse(), Ok(SandboxChoice::Running(_))));
        for text in ["1", "true", "YES"] {
            assert_eq!(text.parse(), Ok(SandboxChoice::BuiltIn), "{text}");
        }
        for text in ["0", "false", "off"] {
            assert_eq!(text.parse(), Ok(SandboxChoice::Off), "{text}");
        }
        for text in ["127.0.0.1", "192.168.0.1:8901", "example.com:1", ":1", "x"] {
            assert!(text.parse::<SandboxChoice>().is_err(), "{text}");
        }
    }
}

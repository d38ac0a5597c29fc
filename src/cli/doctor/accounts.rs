//! The parts of a set-up that connections name: manifests, hosts, variables, and one read of each account.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::checkup::Checkup;
use crate::apply::SecretError;
use crate::cli::setup::Setup;
use crate::cli::work_tree;
use crate::model::connection::Credential;
use crate::model::wording::pluralize;
use crate::model::{Auth, Connection, FaultKind, Origin, SecretRef, with_causes};
use crate::reconcile::{self, Probe};

/// Checks everything about the connections of manifests that were read without an error.
pub async fn check_accounts(setup: &Setup, checkup: &mut Checkup) {
    let checked = &setup.checked;
    let objects = pluralize(checked.desired.len(), "object");
    let connections = pluralize(checked.connections.len(), "connection");
    let files = pluralize(checked.source.files, "file");
    checkup.add_ok("manifests", format!("{files}: {objects}, {connections}"));
    check_hosts(setup, checkup);
    let mut usable = Vec::new();
    for connection in checked.connections.values() {
        if check_secrets(setup, connection, checkup).await {
            usable.push(connection.name.clone());
        }
    }
    let probes = reconcile::probe_connections(checked, &usable, &setup.settings).await;
    for (name, probe) in &probes {
        report_probe(name, probe, checkup);
    }
    check_clock(&probes, checkup);
}

/// Checks in a CI job, where a pull request may change the manifests, that the hosts for credentials are restricted.
fn check_hosts(setup: &Setup, checkup: &mut Checkup) {
    if setup.settings.sandbox || !work_tree::is_ci() {
        return;
    }
    match &setup.settings.secrets.trust.hosts {
        Some(hosts) => checkup.add_ok(
            "hosts",
            format!("credentials go to {} only", pluralize(hosts.len(), "host")),
        ),
        None => checkup.add_warning(
            "hosts",
            "credentials go to whatever hosts the manifests name",
            "name them in ENTITLE_TRUST_HOSTS; see `entitle help credentials`",
        ),
    }
}

/// Checks that every secret of a connection can be read. Returns `false` if one that is needed to log in cannot.
async fn check_secrets(setup: &Setup, connection: &Connection, checkup: &mut Checkup) -> bool {
    let (mut unset, mut usable, mut count) = (Vec::new(), true, 0);
    for secret in login_secrets(&connection.auth) {
        count += 1;
        match setup.settings.secrets.resolve(secret).await {
            Ok(_) => {}
            Err(SecretError::UnsetVariable(name)) => unset.push(name),
            Err(error) => {
                usable = false;
                let way = "see `entitle help credentials`";
                checkup.add_error("secrets", with_causes(&error), way);
            }
        }
    }
    let name = &connection.name;
    if !unset.is_empty() {
        let verb = if unset.len() == 1 { "is" } else { "are" };
        let them = if unset.len() == 1 { "it" } else { "them" };
        let line = line_of(&connection.origin_of(FaultKind::UnsetVariable));
        checkup.add_error(
            "secrets",
            format!("{name}: {} {verb} not set ({line})", unset.join(", ")),
            format!("export {them} here, or add {them} to the secrets of the job"),
        );
        return false;
    }
    if usable {
        checkup.add_ok(
            "secrets",
            format!("{name}: {} can be read", pluralize(count, "secret")),
        );
    }
    usable
}

/// Returns the secrets that a login with `auth` needs.
fn login_secrets(auth: &Auth) -> Vec<&SecretRef> {
    match auth {
        Auth::Token(secret) | Auth::ApiKey(secret) | Auth::Session(secret) => vec![secret],
        Auth::Login(members) | Auth::ClientCredentials { members, .. } => {
            let secrets = members
                .iter()
                .filter_map(|(_, credential)| match credential {
                    Credential::Secret(secret) => Some(secret),
                    Credential::Plain(_) => None,
                });
            secrets.collect()
        }
    }
}

/// Returns a place as `lac.yaml:5`.
fn line_of(origin: &Origin) -> String {
    format!("{}:{}", origin.source.name, origin.mark.line)
}

/// Returns what to do about a connection that cannot be read.
fn advise(kind: Option<FaultKind>) -> &'static str {
    match kind {
        Some(FaultKind::NoSuchHost | FaultKind::Unreachable) => {
            "check its baseUrl, and that this machine may reach the host"
        }
        Some(FaultKind::UnsafeConnection) => {
            "check its baseUrl, and the certificates that this machine trusts"
        }
        Some(FaultKind::WrongBaseUrl | FaultKind::Redirected) => {
            "check its baseUrl: entitle explain Connection"
        }
        Some(FaultKind::LoginRefused | FaultKind::UnusableSecret | FaultKind::Forbidden) => {
            "check its credentials and their rights: entitle help credentials"
        }
        Some(FaultKind::UntrustedHost) => {
            "trust the host, if it is the right one: entitle help credentials"
        }
        Some(
            FaultKind::RateLimited
            | FaultKind::VendorFailure
            | FaultKind::UnreadableReply
            | FaultKind::OutOfTime,
        ) => "try again in a while; if it stays so, ask the vendor",
        Some(FaultKind::UnsetVariable | FaultKind::LoginFailed) | None => {
            "check its baseUrl and credentials: entitle explain Connection"
        }
    }
}

/// Adds the result of a login and a read to the check-up.
fn report_probe(name: &str, probe: &Probe, checkup: &mut Checkup) {
    const NAME: &str = "connection";
    match probe {
        Probe::Answered { .. } => checkup.add_ok(
            NAME,
            format!("{name}: it answers, and the credentials are accepted"),
        ),
        Probe::Failed { reason, fault } => {
            let origin = fault.as_ref().and_then(|fault| fault.origin.as_ref());
            let line = origin.map(|origin| format!(" ({})", line_of(origin)));
            checkup.add_error(
                NAME,
                format!("{name}: {reason}{}", line.unwrap_or_default()),
                advise(fault.as_ref().map(|fault| fault.kind)),
            );
        }
        Probe::Idle => checkup.add_warning(
            NAME,
            format!("{name}: not tried, no object goes through it"),
            "write a manifest, or import some: entitle import",
        ),
    }
}

/// The most by which a clock may be wrong: vendors refuse tokens that are younger or older, and leases last 30 s longer than
/// a call.
const MOST_SKEW: SignedDuration = SignedDuration::from_secs(30);

/// Checks our clock against the dates of the vendors' replies.
fn check_clock(probes: &BTreeMap<String, Probe>, checkup: &mut Checkup) {
    let ahead = probes.iter().filter_map(|(name, probe)| match probe {
        Probe::Answered { clock_ahead } => Some((name, (*clock_ahead)?)),
        Probe::Failed { .. } | Probe::Idle => None,
    });
    let Some((name, ahead)) = ahead.max_by_key(|(_, ahead)| ahead.abs()) else {
        return;
    };
    let seconds = ahead.abs().as_secs();
    if ahead.abs() <= MOST_SKEW {
        return checkup.add_ok(
            "clock",
            format!("within {} s of the vendors' clocks", MOST_SKEW.as_secs()),
        );
    }
    let side = if ahead.is_positive() {
        "behind"
    } else {
        "ahead of"
    };
    checkup.add_error(
        "clock",
        format!("this machine is {seconds} s {side} the clock of {name}"),
        "set the clock, for example by NTP: sessions, leases and windows go by it",
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::checkup::Health;

    fn clock_at(ahead: &[Option<i64>]) -> Checkup {
        let probe = |(number, seconds): (usize, &Option<i64>)| {
            let clock_ahead = seconds.map(SignedDuration::from_secs);
            (format!("c{number}"), Probe::Answered { clock_ahead })
        };
        let probes = ahead.iter().enumerate().map(probe).collect();
        let mut checkup = Checkup::default();
        check_clock(&probes, &mut checkup);
        checkup
    }

    #[test]
    fn a_clock_is_wrong_if_a_vendor_has_another() {
        let shown = |ahead: &[Option<i64>]| {
            let (checkup, mut text) = (clock_at(ahead), Vec::new());
            checkup.write_text(&mut text).expect("memory");
            (checkup.worst(), String::from_utf8(text).expect("text"))
        };
        assert_eq!(shown(&[None]).1, "\nNothing is wrong.\n");
        assert_eq!(shown(&[None, Some(-30)]).0, Health::Ok);
        let (health, text) = shown(&[Some(1), Some(31)]);
        assert_eq!(health, Health::Error);
        assert!(
            text.contains("this machine is 31 s behind the clock of c1"),
            "{text}"
        );
        assert!(
            shown(&[Some(-90)])
                .1
                .contains("90 s ahead of the clock of c0")
        );
    }
}

//! The daemon under a service manager: a socket of ours hears what systemd would.
#![cfg(unix)]

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use super::order_manifest;
use super::program::{DaemonProcess, five_orders};
use crate::support::program::Workspace;

/// What a service manager would hear.
struct Manager(UnixDatagram);

impl Manager {
    fn listen(workspace: &mut Workspace) -> Self {
        let path = workspace.dir.path().join("notify.sock");
        workspace.set("NOTIFY_SOCKET", &path.display().to_string());
        let socket = UnixDatagram::bind(path).expect("a socket");
        let patience = Some(Duration::from_secs(20));
        socket.set_read_timeout(patience).expect("a socket");
        Self(socket)
    }

    /// Waits for a message with this line, and gives back its lines.
    fn hears(&self, wanted: &str) -> Vec<String> {
        let mut heard = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let Ok(length) = self.0.recv(&mut buffer) else {
                panic!("{wanted} never came, but {heard:?}");
            };
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let lines: Vec<String> = text.lines().map(str::to_string).collect();
            if lines.iter().any(|line| line == wanted) {
                return lines;
            }
            heard.extend(lines);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_manager_hears_how_things_stand() {
    let mut workspace = five_orders().await;
    let manager = Manager::listen(&mut workspace);
    // A ping every half second is due.
    workspace.set("WATCHDOG_USEC", "1000000");
    for number in 0..2 {
        let name = format!("licences/order-{number}.yaml");
        workspace.write(&name, &order_manifest(number, 10).text());
    }
    let daemon = DaemonProcess::start(
        &workspace,
        &["watch", "licences", "lac.yaml", "--mode", "sync"],
    );
    manager.hears("READY=1");
    manager.hears("STATUS=2 in_sync");
    for _ in 0..2 {
        manager.hears("WATCHDOG=1");
    }
    daemon.send_signal("HUP");
    let lines = manager.hears("RELOADING=1");
    let moment = lines
        .iter()
        .find_map(|line| line.strip_prefix("MONOTONIC_USEC="));
    assert!(
        moment.is_some_and(|moment| moment.parse::<u64>().is_ok()),
        "{lines:?}"
    );
    manager.hears("READY=1");
    // A reload that finds nothing it could put in force ends as well.
    workspace.write(
        "licences/order-1.yaml",
        "apiVersion: entitle.dev/v1\nkind: [",
    );
    manager.hears("STATUS=2 in_sync, the source cannot be read");
    daemon.send_signal("HUP");
    manager.hears("RELOADING=1");
    manager.hears("READY=1");
    daemon.send_signal("TERM");
    manager.hears("STOPPING=1");
    assert_eq!(daemon.wait_for_exit(), 0);
}

//! A way to a server that can be stopped or cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Forwards connections to a server on loopback, as long as it is told to.
pub struct Proxy {
    pub port: u16,
    switch: Arc<Switch>,
}

#[derive(Default)]
struct Switch {
    /// Nothing moves, and no connection is closed: what a stopped host looks like.
    stalled: AtomicBool,
    /// Bytes to the server before the connection is cut; 0 for none.
    cut_after: AtomicU64,
    /// Bytes that went to the server.
    sent: AtomicU64,
}

impl Proxy {
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let switch = Arc::new(Switch::default());
        tokio::spawn(accept(listener, port, Arc::clone(&switch)));
        Self { port: own, switch }
    }

    /// Stops forwarding, or goes on with it.
    pub fn stall(&self, stalled: bool) {
        self.switch.stalled.store(stalled, Ordering::SeqCst);
    }

    /// Cuts connections when so many more bytes went to the server, once.
    pub fn cut_after(&self, bytes: u64) {
        let sent = self.switch.sent.load(Ordering::SeqCst);
        self.switch.cut_after.store(sent + bytes, Ordering::SeqCst);
    }

    /// Bytes that went to the server so far.
    pub fn sent(&self) -> u64 {
        self.switch.sent.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, port: u16, switch: Arc<Switch>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let to = SocketAddr::from(([127, 0, 0, 1], port));
        let switch = Arc::clone(&switch);
        tokio::spawn(async move {
            let Ok(server) = TcpStream::connect(to).await else {
                return;
            };
            let _ = client.set_nodelay(true);
            let _ = server.set_nodelay(true);
            let (client_in, client_out) = client.into_split();
            let (server_in, server_out) = server.into_split();
            // Whichever ends first takes the other with it.
            tokio::select! {
                () = forward(client_in, server_out, &switch, true) => {}
                () = forward(server_in, client_out, &switch, false) => {}
            }
        });
    }
}

async fn forward(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    switch: &Switch,
    is_to_server: bool,
) {
    let mut bytes = vec![0; 4096];
    loop {
        let Ok(length @ 1..) = from.read(&mut bytes).await else {
            return;
        };
        while switch.stalled.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut part = &bytes[..length];
        if is_to_server {
            let before = switch.sent.fetch_add(length as u64, Ordering::SeqCst);
            let cut = switch.cut_after.load(Ordering::SeqCst);
            if cut > 0 && before + length as u64 >= cut {
                switch.cut_after.store(0, Ordering::SeqCst);
                part = &part[..usize::try_from(cut.saturating_sub(before)).unwrap()];
                let _ = to.write_all(part).await;
                let _ = to.flush().await;
                return;
            }
        }
        if to.write_all(part).await.is_err() {
            return;
        }
    }
}

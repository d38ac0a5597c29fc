//! Counts the open connections of the sandbox, so that a test can wait until all are closed.
//!
//! A client that gave up on a call may already have sent it: the request waits in the socket and takes effect when the
//! server reads it. Only the end of the connection proves that no further effect follows.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The number of open connections, which can be watched.
pub(super) type ConnectionCount = watch::Sender<usize>;

/// A TCP listener that counts the connections it accepts.
pub(super) struct CountingListener {
    pub listener: TcpListener,
    pub open: ConnectionCount,
}

impl Listener for CountingListener {
    type Io = CountedConnection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (CountedConnection, SocketAddr) {
        // axum's `accept` retries after a temporary failure; tokio's returns it.
        let (stream, from) = Listener::accept(&mut self.listener).await;
        // Without NODELAY the kernel may delay small replies by 40 ms, more than the latency that is simulated.
        let _ = stream.set_nodelay(true);
        self.open.send_modify(|open| *open += 1);
        let open = self.open.clone();
        (CountedConnection { stream, open }, from)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that is counted until it is dropped.
pub(super) struct CountedConnection {
    stream: TcpStream,
    open: ConnectionCount,
}

impl Drop for CountedConnection {
    fn drop(&mut self) {
        self.open.send_modify(|open| *open -= 1);
    }
}

impl AsyncRead for CountedConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for CountedConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Waits until every connection made to an address before this call is closed.
///
/// `Err` if the sandbox cannot be reached at the address.
pub(super) async fn wait_until_all_closed(
    address: SocketAddr,
    open: &ConnectionCount,
) -> io::Result<()> {
    // Connections are accepted in the order in which they were made: once this one is answered, all earlier ones
    // are counted.
    let mut probe = TcpStream::connect(address).await?;
    probe
        .write_all(b"GET /_sandbox HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n\r\n")
        .await?;
    probe.read_to_end(&mut Vec::new()).await?;
    drop(probe);
    // The wait fails only without a sender, and `open` is one.
    let _ = open.subscribe().wait_for(|open| *open == 0).await;
    Ok(())
}

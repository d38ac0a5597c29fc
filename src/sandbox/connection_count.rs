//! Counts the connections that are open, so that somebody can wait until they are closed.
//!
//! A client that gave up on a call may have sent it all the same: it lies in the socket, and is answered
//! whenever the server comes to it. Only the end of the connection says that nothing more comes of it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How many connections are open.
pub(super) type ConnectionCount = watch::Sender<usize>;

/// Accepts connections and counts them.
pub(super) struct CountingListener {
    pub listener: TcpListener,
    pub open: ConnectionCount,
}

impl Listener for CountingListener {
    type Io = CountedConnection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (CountedConnection, SocketAddr) {
        // axum's own `accept` outlives passing failures, as that of tokio does not.
        let (stream, from) = Listener::accept(&mut self.listener).await;
        // Without NODELAY the kernel may hold back small replies for 40 ms, which would drown the latency
        // asked for.
        let _ = stream.set_nodelay(true);
        self.open.send_modify(|open| *open += 1);
        let open = self.open.clone();
        (CountedConnection { stream, open }, from)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that counts as long as it is there.
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

/// Waits until every connection that was made to an address before is closed.
pub(super) async fn wait_until_all_closed(
    address: SocketAddr,
    open: &ConnectionCount,
) -> io::Result<()> {
    // Connections are accepted in the order in which they were made: once this one is answered, those before
    // it are counted.
    let mut probe = TcpStream::connect(address).await?;
    probe
        .write_all(b"GET /_sandbox HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n\r\n")
        .await?;
    probe.read_to_end(&mut Vec::new()).await?;
    drop(probe);
    // The sender is ours, so the wait cannot fail.
    let _ = open.subscribe().wait_for(|open| *open == 0).await;
    Ok(())
}

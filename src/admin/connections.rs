//! How many connections the admin server holds, and how long one may be silent: sockets that nobody uses must never be the
//! reason why the worker gets none for its brokers, its store or its checkpoints.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep};

/// Bounds of the connections to the admin server.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// So many are held; one more takes the place of the oldest, so that a probe always gets through.
    pub connections: usize,
    /// So long may a request take to come, and a connection be without one.
    pub silence: Duration,
}

/// Probes and scrapers are a handful; a process has 1,024 descriptors where nobody has raised that, and the worker needs some
/// hundred of them. A kept connection is used at each scrape, or made anew.
pub const BOUNDS: Bounds = Bounds { connections: 256, silence: Duration::from_secs(10) };

/// A listener whose connections are bounded.
#[derive(Debug)]
pub(super) struct Bounded {
    listener: TcpListener,
    bounds: Bounds,
    /// Those that are open, oldest first. Dropping one closes it.
    open: VecDeque<oneshot::Sender<Infallible>>,
}

impl Bounded {
    pub(super) fn new(listener: TcpListener, bounds: Bounds) -> Bounded {
        Bounded { listener, bounds, open: VecDeque::new() }
    }
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Connection, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        self.open.retain(|connection| !connection.is_closed());
        if self.open.len() >= self.bounds.connections {
            self.open.pop_front();
        }
        let (open, replaced) = oneshot::channel();
        self.open.push_back(open);
        let silence = self.bounds.silence;
        (Connection { stream, replaced, silence, until: Box::pin(sleep(silence)), ended: false }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A connection that ends when its place is needed, or when nothing was answered on it for too long.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    replaced: oneshot::Receiver<Infallible>,
    silence: Duration,
    until: Pin<Box<Sleep>>,
    /// It has ended: nothing is asked again.
    ended: bool,
}

impl Connection {
    /// Whether it has to end; if not, whoever asks is woken when it has to.
    fn end(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        self.ended =
            self.ended || Pin::new(&mut self.replaced).poll(context).is_ready() || self.until.as_mut().poll(context).is_ready();
        if self.ended { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.end(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.end(context)?;
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if written.is_ready() {
            let until = Instant::now() + self.silence;
            self.until.as_mut().reset(until);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end(context)?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

//! Connections: few, short, and never waited for. A slow or silent client costs a place, and only until somebody else wants it.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::{Sleep, sleep};

use super::body::Answer;
use super::site::Site;

/// So many connections at once. One more takes the place of the oldest that is no open page.
const MOST_CONNECTIONS: usize = 16;

/// The longest head of a request.
const LONGEST_HEAD: usize = 8 << 10;
const MOST_HEADERS: usize = 64;

/// What the kernel keeps for a slow reader, in bytes: some seconds of events. Half of it is the kernel's own.
const SEND_BUFFER: u32 = 32 << 10;

/// So many may wait to be let in: where the queue is full, the kernel has everybody else try again after a second.
const WAITING: u32 = 1024;

/// How long to wait for whom.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The head of a request must be there within this time; a connection that asks for nothing is closed after it, too.
    pub head: Duration,
    /// A reader that takes nothing for so long is gone.
    pub reader: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { head: Duration::from_secs(5), reader: Duration::from_secs(10) }
    }
}

/// A listening socket.
///
/// # Errors
/// If the address is taken, is none of this machine, or there is no network.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // After a restart the old connections may linger; they are in nobody's way.
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

/// Serves for ever.
pub(super) async fn serve(listener: TcpListener, site: Arc<Site>, patience: Patience) -> Infallible {
    let mut places = Places::default();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => places.seat(stream, &site, patience),
            // Out of descriptors, perhaps: it would fail again at once.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

/// The connections that are open, oldest first.
#[derive(Default)]
struct Places(Vec<Place>);

struct Place {
    /// Whether it is an open page. Those are fewer than the places ([`Site`] sees to it), so that there is always another to close.
    is_page: Arc<AtomicBool>,
    task: AbortHandle,
}

impl Places {
    fn seat(&mut self, stream: TcpStream, site: &Arc<Site>, patience: Patience) {
        let places = &mut self.0;
        places.retain(|place| !place.task.is_finished());
        if places.len() >= MOST_CONNECTIONS
            && let Some(oldest) = places.iter().position(|place| !place.is_page.load(Relaxed))
        {
            places.remove(oldest).task.abort();
        }
        let is_page = Arc::<AtomicBool>::default();
        // A panic in there would be a mistake of ours that a request brings to light: it ends this connection, and not the lights and the counting.
        let task = tokio::spawn(converse(stream, Arc::clone(site), patience, Arc::clone(&is_page))).abort_handle();
        places.push(Place { is_page, task });
    }
}

/// Answers the requests of one connection until either side has had enough.
async fn converse(stream: TcpStream, site: Arc<Site>, patience: Patience, is_page: Arc<AtomicBool>) {
    let Ok(local) = stream.local_addr() else { return };
    let local = local.ip().to_canonical();
    let answer = service_fn(|request| {
        let (site, is_page) = (&site, &is_page);
        async move {
            let response = site.answer(request, local).await;
            is_page.store(matches!(response.body(), Answer::Events(..)), Relaxed);
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_buf_size(LONGEST_HEAD)
        .max_header_size(LONGEST_HEAD)
        .max_headers(MOST_HEADERS)
        .serve_connection(TokioIo::new(Patient { stream, patience: patience.reader, stuck: None }), answer);
    // Whatever a client does wrong has been answered, or there is nobody to answer.
    let _ = connection.await;
}

/// A stream that is given up when its reader takes nothing for too long.
struct Patient<S> {
    stream: S,
    patience: Duration,
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncWrite + Unpin> Patient<S> {
    fn watch<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let patience = self.patience;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stuck.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(written, context)
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

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

//! Sockets to a server, and the question whether it still answers.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::time::{Sleep, sleep, timeout};
use tokio_postgres::Config;

/// How long the server may owe an answer before it is asked whether it is there, and how long that may take.
const PATIENCE: Duration = Duration::from_secs(1);
const LONGEST_PATIENCE: Duration = Duration::from_secs(16);

/// The length 8 and the code 80877103: asks for TLS. A server answers with one byte, without a login.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// An address of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix(PathBuf, u16),
}

pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send + Sync {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Io for T {}

impl Address {
    /// Opens a socket with the options of `config`.
    pub(crate) async fn open(&self, config: &Config) -> io::Result<Box<dyn Io>> {
        match self {
            Self::Tcp(address) => {
                let stream = TcpStream::connect(*address).await?;
                stream.set_nodelay(true)?;
                set_options(&stream, config)?;
                Ok(Box::new(stream))
            }
            #[cfg(unix)]
            Self::Unix(folder, port) => {
                let name = format!(".s.PGSQL.{port}");
                Ok(Box::new(UnixStream::connect(folder.join(name)).await?))
            }
        }
    }

    /// Returns whether a server answers at this address. Logs in nowhere.
    async fn answers(&self, config: &Config) -> bool {
        let ask = async {
            let mut socket = self.open(config).await?;
            socket.write_all(&SSL_REQUEST).await?;
            socket.read_u8().await
        };
        matches!(timeout(PATIENCE, ask).await, Ok(Ok(_)))
    }
}

fn set_options(stream: &TcpStream, config: &Config) -> io::Result<()> {
    let socket = SockRef::from(stream);
    if config.get_keepalives() {
        let keepalive = TcpKeepalive::new().with_time(config.get_keepalives_idle());
        let keepalive = match config.get_keepalives_interval() {
            Some(interval) => keepalive.with_interval(interval),
            None => keepalive,
        };
        #[cfg(unix)]
        let keepalive = match config.get_keepalives_retries() {
            Some(retries) => keepalive.with_retries(retries),
            None => keepalive,
        };
        socket.set_tcp_keepalive(&keepalive)?;
    }
    #[cfg(target_os = "linux")]
    if let Some(limit) = config.get_tcp_user_timeout() {
        socket.set_tcp_user_timeout(Some(*limit))?;
    }
    Ok(())
}

/// A socket whose reads fail with `TimedOut` if the server owes an answer and is found not to answer at all.
///
/// A frozen machine keeps connections open, so that only the deadline of each call would end its statement, and the next
/// call would take the next such connection.
pub(crate) struct Watched {
    io: Box<dyn Io>,
    silence: Option<Silence>,
    closes_last: bool,
}

impl Watched {
    /// Watches the server at `address` if there is another one to turn to.
    pub(crate) fn new(io: Box<dyn Io>, watched: Option<(Address, Config)>) -> Self {
        let silence = watched.map(|(address, config)| Silence {
            address,
            config,
            patience: PATIENCE,
            phase: Phase::Idle,
        });
        Self { io, silence, closes_last: false }
    }

    /// Keeps this end open until the server has closed its end. libpq does so after a request to cancel, and PgBouncer 1.18
    /// crashes if the client leaves while it passes the request on.
    pub(crate) fn closing_last(mut self) -> Self {
        self.closes_last = true;
        self
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { io, silence, .. } = &mut *self;
        match (Pin::new(io).poll_read(cx, buffer), silence) {
            (Poll::Pending, Some(silence)) => {
                ready!(silence.poll(cx));
                let text = "the server stopped answering";
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)))
            }
            (poll, Some(silence)) => {
                silence.phase = Phase::Idle;
                silence.patience = PATIENCE;
                poll
            }
            (poll, None) => poll,
        }
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Self { io, silence, .. } = &mut *self;
        if let Some(silence) = silence
            && matches!(silence.phase, Phase::Idle)
        {
            silence.wait();
            // Registers the timer, which nothing else polls before the next read.
            cx.waker().wake_by_ref();
        }
        Pin::new(io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    /// Also waits until the server has closed its end, since only then its process is gone.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.closes_last && ready!(Pin::new(&mut self.io).poll_shutdown(cx)).is_err() {
            return Poll::Ready(Ok(()));
        }
        loop {
            let mut rest = [0; 256];
            let mut rest = ReadBuf::new(&mut rest);
            let read = ready!(Pin::new(&mut self.io).poll_read(cx, &mut rest));
            if read.is_err() || rest.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

struct Silence {
    address: Address,
    config: Config,
    patience: Duration,
    phase: Phase,
}

enum Phase {
    /// No answer is owed.
    Idle,
    /// An answer is owed.
    Waiting(Pin<Box<Sleep>>),
    /// The server is being asked whether it is there.
    Asking(Pin<Box<dyn Future<Output = bool> + Send + Sync>>),
}

impl Silence {
    fn wait(&mut self) {
        self.phase = Phase::Waiting(Box::pin(sleep(self.patience)));
    }

    /// Ready if the server does not answer.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut self.phase {
                Phase::Idle => return Poll::Pending,
                Phase::Waiting(time) => {
                    ready!(time.as_mut().poll(cx));
                    let (address, config) = (self.address.clone(), self.config.clone());
                    self.phase = Phase::Asking(Box::pin(async move { address.answers(&config).await }));
                }
                Phase::Asking(answer) => {
                    if !ready!(answer.as_mut().poll(cx)) {
                        return Poll::Ready(());
                    }
                    // It works on a statement or waits for a lock: ask again, less and less often.
                    self.patience = (self.patience * 2).min(LONGEST_PATIENCE);
                    self.wait();
                }
            }
        }
    }
}

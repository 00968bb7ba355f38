//! The connections: how many there may be, how long each may take, how they end.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_io_timeout::TimeoutStream;

/// How many connections are served at once; one more is closed at once.
const MAX_CONNECTIONS: usize = 512;

/// How long a client may take for its next request's head, and so how long a connection may idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may leave an answer unread.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How large the head of a request may be, in bytes.
const MAX_HEAD: usize = 16 << 10;

/// A server that listens and does not serve yet.
pub struct Listening {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listening {
    /// Listens on an address.
    ///
    /// # Errors
    /// When the system refuses, such as for an address that is in use.
    pub async fn on(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The address, with the port that the system chose where 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// How long answers may take to be sent once there is nothing left to be done.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Serves connections until `end` comes; then no new ones are taken, and those that are there may wait until what they
/// have asked for is done: until `settled`, and a moment longer.
pub async fn serve(
    listening: Listening,
    router: Router,
    end: impl Future<Output = ()>,
    settled: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    tokio::pin!(end);
    loop {
        let accepted = tokio::select! {
            accepted = listening.listener.accept() => accepted,
            () = &mut end => break,
        };
        match accepted {
            Ok((stream, _)) => take(stream, &router, &places, &graceful),
            Err(error) => {
                tracing::warn!("accept a connection: {error}");
                // Out of file descriptors, the next attempt fails at once as well.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listening);
    let patience = async {
        settled.await;
        tokio::time::sleep(LAST_ANSWERS).await;
    };
    tokio::select! {
        () = graceful.shutdown() => {}
        () = patience => tracing::warn!("connections that do not end are closed"),
    }
}

fn take(stream: TcpStream, router: &Router, places: &Arc<Semaphore>, graceful: &GracefulShutdown) {
    let Ok(place) = Arc::clone(places).try_acquire_owned() else {
        tracing::warn!("more than {MAX_CONNECTIONS} connections: one is closed");
        return;
    };
    // Answers are small and must not wait for more.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .max_headers(64)
        .serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(router.clone()));
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!("a connection ended: {error}");
        }
        drop(place);
    });
}

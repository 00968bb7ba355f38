//! The connections: how long each may take, how they end.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutStream;

use super::places::{Place, Places};
use crate::metrics::Connections;

/// How long a client may take for its next request's head, and so how long a connection may idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may leave an answer unread.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How large the head of a request may be, in bytes.
const MAX_HEAD: usize = 16 << 10;

/// How often the log tells of connections that had no place.
const TELL_EVERY: Duration = Duration::from_secs(10);

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
    counters: &Connections,
    end: impl Future<Output = ()>,
    settled: impl Future<Output = ()>,
) {
    let places = Arc::new(Places::new(counters.clone()));
    let graceful = GracefulShutdown::new();
    let mut telling = tokio::time::interval(TELL_EVERY);
    tokio::pin!(end);
    loop {
        let accepted = tokio::select! {
            accepted = listening.listener.accept() => accepted,
            _ = telling.tick() => {
                places.tell();
                continue;
            }
            () = &mut end => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                if let Some(place) = places.admit(peer.ip()) {
                    take(stream, place, &router, &graceful);
                    // A connection whose request has come works before the next one looks for a place.
                    tokio::task::yield_now().await;
                }
            }
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

fn take(stream: TcpStream, place: Arc<Place>, router: &Router, graceful: &GracefulShutdown) {
    // Answers are small and must not wait for more.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let answering = TowerToHyperService::new(router.clone());
    let asked = Arc::clone(&place);
    let service = service_fn(move |request: Request<Incoming>| {
        let working = asked.works();
        let answer = answering.call(request);
        async move {
            let answer = answer.await;
            drop(working);
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .max_headers(64)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        tokio::select! {
            ended = connection => if let Err(error) = ended {
                tracing::debug!("a connection ended: {error}");
            },
            () = place.is_needed() => tracing::debug!("an idle connection is closed for a new one"),
        }
    });
}

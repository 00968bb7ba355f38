//! Accepts connections, limits their time, and ends them.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    os::fd::AsFd as _,
    sync::Arc,
    time::Duration,
};

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

use super::{
    connection_limits::{Place, Places},
    peer::Peer,
};
use crate::metrics::Connections;

/// How long a client may take to send the head of its next request, and so how long a connection may idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may leave an answer unread.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// The maximum size of a request's head, in bytes.
const MAX_HEAD: usize = 16 << 10;

/// How often the log reports connections that found no free place.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// A server that listens but does not serve yet.
pub struct Listening {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listening {
    /// Listens on an address.
    ///
    /// # Errors
    /// When the system refuses, for example because the address is in use.
    pub async fn on(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Another hold on the same server: connections wait until either serves them.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn try_clone(&self) -> io::Result<Self> {
        let listener = self.listener.as_fd().try_clone_to_owned()?;
        Ok(Self {
            listener: TcpListener::from_std(listener.into())?,
            address: self.address,
        })
    }

    /// The address; its port is the one that the system chose, if 0 was requested.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// How long sending the last answers may take once all work is done.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Serves connections until `end`. From then on it accepts no new ones; open ones may wait for their answers until
/// `settled`, and a moment longer.
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
                    take(stream, peer.ip(), place, &router, &graceful);
                    // A connection whose request has arrived starts working before the next one looks for a place.
                    tokio::task::yield_now().await;
                }
            }
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                // Without free file descriptors the next attempt would also fail at once.
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
        () = patience => tracing::warn!("closing connections that did not end in time"),
    }
}

fn take(stream: TcpStream, peer: IpAddr, place: Arc<Place>, router: &Router, graceful: &GracefulShutdown) {
    // Answers are small and must not wait for more data.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let answering = TowerToHyperService::new(router.clone());
    let asked = Arc::clone(&place);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
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
            () = place.is_needed() => tracing::debug!("closed an idle connection for a new one"),
        }
    });
}

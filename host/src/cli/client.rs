//! Sends one request to a server, over its own connection.

use std::{io, net::SocketAddr, time::Duration};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, StatusCode,
    body::Bytes,
    client::conn::http1,
    header::{HOST, HeaderValue},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

/// How long a server on the same machine may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a server gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExchangeError {
    /// The server does not accept the connection in time.
    #[error("the server does not accept the connection")]
    NotAccepted,
    /// The connection fails.
    #[error(transparent)]
    Connect(#[from] io::Error),
    /// The exchange over it fails.
    #[error(transparent)]
    Http(#[from] hyper::Error),
    /// The address is not a valid header value.
    #[error(transparent)]
    Host(#[from] hyper::header::InvalidHeaderValue),
}

/// Sends a request to the server at `address`; returns the status and the body of its answer.
pub(super) async fn exchange(
    address: SocketAddr,
    mut request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes), ExchangeError> {
    let connecting = timeout(CONNECT_TIMEOUT, TcpStream::connect(address));
    let stream = connecting.await.map_err(|_| ExchangeError::NotAccepted)??;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let host = HeaderValue::try_from(address.to_string())?;
    request.headers_mut().insert(HOST, host);
    let response = sender.send_request(request).await?;
    let status = response.status();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}

//! Finds the server that holds the state file, and sends commands to it.

use std::{fs, net::SocketAddr, os::unix::fs::MetadataExt, path::Path};

use http_body_util::Full;
use hyper::{Method, Request, StatusCode, body::Bytes, header::AUTHORIZATION};
use serde::{Deserialize, de::DeserializeOwned};

use super::{client::exchange, listeners::users_listening_on, output::UsageError};
use crate::{
    config::{ApiToken, Settings},
    state::StateError,
};

/// Who holds the state.
pub(super) enum Access<T> {
    /// This process: the file is open.
    Here(T),
    /// A server.
    Server(Server),
}

/// A server that has the state file open.
pub(super) struct Server {
    address: SocketAddr,
    token: Option<ApiToken>,
}

/// Why a server did not carry out a request.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServerError {
    /// It refuses, for a reason that the user can remedy.
    #[error("{0}")]
    Refused(String),
    /// It failed.
    #[error("the server at {address} answers {status}: {detail}")]
    Failed {
        address: SocketAddr,
        status: StatusCode,
        detail: String,
    },
    /// It does not answer.
    #[error("the request to the server at {address} failed: {reason}")]
    Unreachable { address: SocketAddr, reason: String },
}

#[derive(Deserialize)]
struct Detail {
    detail: String,
}

#[derive(Deserialize)]
struct ServedState {
    state: String,
}

/// Opens the state with `open`; if another process holds it, finds the server that this process is.
pub(super) fn open_or_ask<T>(
    settings: &Settings,
    open: impl FnOnce() -> Result<T, StateError>,
) -> anyhow::Result<Access<T>> {
    match open() {
        Ok(opened) => Ok(Access::Here(opened)),
        Err(error @ (StateError::InUse { .. } | StateError::Forbidden { .. } | StateError::Folder { .. })) => {
            Server::of(settings, error).map(Access::Server)
        }
        Err(error) => Err(error.into()),
    }
}

impl Server {
    /// The configured server, if it holds the state file.
    fn of(settings: &Settings, in_use: StateError) -> anyhow::Result<Self> {
        let address = settings.service.listen;
        if let Some(stranger) = stranger_at(address, settings) {
            tracing::warn!(
                "the program that listens at {address} belongs to user {stranger}, who does not own the state: the command does not ask it, and does not send it the token"
            );
            return Err(in_use.into());
        }
        let (token, unread) = match settings.service.token.find() {
            Ok(token) => (token, None),
            Err(error) => (None, Some(error)),
        };
        let server = Self { address, token };
        let served: ServedState = match server.get("/api/admin/status") {
            Ok(served) => served,
            Err(ServerError::Unreachable { .. }) => {
                tracing::info!("no server answers at {}", server.address);
                return Err(in_use.into());
            }
            // Why the command has no token says more than that the server wants one.
            Err(error) => return Err(unread.map_or_else(|| error.into(), anyhow::Error::from)),
        };
        let is_ours = settings
            .state
            .file()
            .is_some_and(|ours| is_same_file(Path::new(&served.state), ours));
        match is_ours {
            true => Ok(server),
            false => {
                tracing::info!(
                    "the server at {} holds another state file, {}",
                    server.address,
                    served.state
                );
                Err(in_use.into())
            }
        }
    }

    /// Sends a GET request.
    pub(super) fn get<T: DeserializeOwned>(&self, target: &str) -> Result<T, ServerError> {
        self.call(Method::GET, target, String::new())
    }

    /// Sends a POST request.
    pub(super) fn post<T: DeserializeOwned>(&self, target: &str, body: String) -> Result<T, ServerError> {
        self.call(Method::POST, target, body)
    }

    fn call<T: DeserializeOwned>(&self, method: Method, target: &str, body: String) -> Result<T, ServerError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| self.unreachable(error))?;
        let mut request = Request::builder().method(method).uri(target);
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token.as_header());
        }
        let request = request.body(Full::new(Bytes::from(body)));
        let request = request.map_err(|error| self.unreachable(error))?;
        let exchanged = runtime.block_on(exchange(self.address, request));
        let (status, body) = exchanged.map_err(|error| self.unreachable(error))?;
        if status.is_success() {
            return serde_json::from_slice(&body)
                .map_err(|error| self.unreachable(anyhow::Error::from(error).context("cannot read its answer")));
        }
        let detail = serde_json::from_slice(&body).map_or_else(|_| String::new(), |answer: Detail| answer.detail);
        Err(self.refusal(status, detail))
    }

    fn refusal(&self, status: StatusCode, detail: String) -> ServerError {
        match status {
            StatusCode::UNAUTHORIZED => ServerError::Refused(format!(
                "the server at {} holds the state file and requires its token: run the command with the SESSION_HOST_API_TOKEN, api_token_file or data directory of the server",
                self.address
            )),
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => ServerError::Refused(detail),
            status => ServerError::Failed {
                address: self.address,
                status,
                detail,
            },
        }
    }

    fn unreachable(&self, reason: impl Into<anyhow::Error>) -> ServerError {
        ServerError::Unreachable {
            address: self.address,
            // hyper puts the system's error into the cause.
            reason: format!("{:#}", reason.into()),
        }
    }
}

/// A user whose program accepts connections at the address, although the state belongs to others. Whoever learns the
/// token from a command may do everything, and any user may listen where the server does not.
fn stranger_at(address: SocketAddr, settings: &Settings) -> Option<u32> {
    let owner = |path: &Path| fs::metadata(path).ok().map(|metadata| metadata.uid());
    let mut trusted = vec![ROOT, rustix::process::geteuid().as_raw()];
    trusted.extend(settings.state.file().and_then(owner));
    trusted.extend(owner(&settings.data));
    let mut users = users_listening_on(address).into_iter();
    users.find(|user| !trusted.contains(user))
}

/// This user may do everything anyway.
const ROOT: u32 = 0;

/// A path with its query parameters.
pub(super) fn target(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let mut encoded = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value {
            encoded.append_pair(name, value);
        }
    }
    format!("{path}?{}", encoded.finish())
}

/// Refuses a flag that only applies to runs of this process.
pub(super) fn refuse_here(flag: &str) -> UsageError {
    UsageError(format!(
        "a server holds the state file, and {flag} applies only to runs of this process: omit it, or stop the server"
    ))
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

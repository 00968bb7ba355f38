//! The server that has the state file: where one has, commands ask it.

use std::{fs, net::SocketAddr, os::unix::fs::MetadataExt, path::Path};

use http_body_util::Full;
use hyper::{Method, Request, StatusCode, body::Bytes, header::AUTHORIZATION};
use serde::{Deserialize, de::DeserializeOwned};

use super::{client::exchange, listeners::users_listening_on, output::UsageError};
use crate::{
    config::{ApiToken, Settings},
    state::StateError,
};

/// What holds the state.
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

/// Why a server did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServerError {
    /// It refuses, for a reason that the user can change.
    #[error("{0}")]
    Refused(String),
    /// It could not.
    #[error("the server at {address} answers {status}: {detail}")]
    Failed {
        address: SocketAddr,
        status: StatusCode,
        detail: String,
    },
    /// It does not answer.
    #[error("ask the server at {address}: {reason}")]
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

/// Opens the state with `open`; where another process has it, finds the server that this process is.
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
    /// The server of the configuration, if it is the one that has the state file.
    fn of(settings: &Settings, in_use: StateError) -> anyhow::Result<Self> {
        let address = settings.service.listen;
        if let Some(stranger) = stranger_at(address, settings) {
            tracing::warn!(
                "the program that listens at {address} belongs to user {stranger}, who does not own the state: it is not asked, and not told the token"
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
            // What keeps the command from having the token says more than that the server wants one.
            Err(error) => return Err(unread.map_or_else(|| error.into(), anyhow::Error::from)),
        };
        match is_same_file(Path::new(&served.state), &settings.state) {
            true => Ok(server),
            false => {
                tracing::info!(
                    "the server at {} has another state file, {}",
                    server.address,
                    served.state
                );
                Err(in_use.into())
            }
        }
    }

    /// Asks for something.
    pub(super) fn get<T: DeserializeOwned>(&self, target: &str) -> Result<T, ServerError> {
        self.call(Method::GET, target, String::new())
    }

    /// Asks for something to be done.
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
                .map_err(|error| self.unreachable(anyhow::Error::from(error).context("read its answer")));
        }
        let detail = serde_json::from_slice(&body).map_or_else(|_| String::new(), |answer: Detail| answer.detail);
        Err(self.refusal(status, detail))
    }

    fn refusal(&self, status: StatusCode, detail: String) -> ServerError {
        match status {
            StatusCode::UNAUTHORIZED => ServerError::Refused(format!(
                "the server at {} has the state file and wants its token: give the command the SESSION_HOST_API_TOKEN, api_token_file or data directory of the server",
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
            // hyper says in the cause of its errors what the system says.
            reason: format!("{:#}", reason.into()),
        }
    }
}

/// A user whose program takes connections to the address, while the state belongs to others: who learns the token from a
/// command may do everything, and any user may listen where the server does not.
fn stranger_at(address: SocketAddr, settings: &Settings) -> Option<u32> {
    let owner = |path: &Path| fs::metadata(path).ok().map(|metadata| metadata.uid());
    let mut trusted = vec![ROOT, rustix::process::geteuid().as_raw()];
    trusted.extend(owner(&settings.state));
    trusted.extend(owner(&settings.data));
    let mut users = users_listening_on(address).into_iter();
    users.find(|user| !trusted.contains(user))
}

/// The user who may do everything anyway.
const ROOT: u32 = 0;

/// A path with its parameters.
pub(super) fn target(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let mut encoded = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value {
            encoded.append_pair(name, value);
        }
    }
    format!("{path}?{}", encoded.finish())
}

/// Refuses a flag that only the server itself could follow.
pub(super) fn refuse_here(flag: &str) -> UsageError {
    UsageError(format!(
        "a server has the state file, and {flag} is for runs of this process: leave it out, or stop the server"
    ))
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

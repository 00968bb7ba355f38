//! Where the PostgreSQL server is, and whom the host trusts.

use std::{
    fmt::{self, Write as _},
    path::PathBuf,
    time::Duration,
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::parsing::PARAMETERS;

/// The port of PostgreSQL, unless the address names another one.
pub(super) const DEFAULT_PORT: u16 = 5432;

/// How long a connection may take to open, unless the address says otherwise.
pub(super) const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What stands for itself in every part of an address.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// As [`ENCODED`], in the value of a parameter.
const ENCODED_IN_VALUES: &AsciiSet = &ENCODED.remove(b'/');

/// The address of a database in PostgreSQL: `postgres://USER@HOST:PORT/DATABASE?PARAMETER=VALUE`. It has no password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresAddress {
    /// The role that the host is in PostgreSQL.
    pub user: String,
    /// Where the server listens.
    pub endpoint: Endpoint,
    /// The name of the database.
    pub database: String,
    /// How the connection is protected.
    pub tls: Tls,
    /// The file with the password, if it is not the one that libpq would read.
    pub passfile: Option<PathBuf>,
    /// How long a connection may take to open.
    pub connect_timeout: Duration,
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// At a port of a machine.
    Tcp {
        /// Its name, or its address; an IPv6 address has no brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// At a socket on this machine.
    Socket {
        /// The folder with the socket, an absolute path.
        folder: String,
        /// The number in the name of the socket.
        port: u16,
    },
}

/// How a connection is protected. There is no protection in between: without a look at the name in the certificate, any
/// server may answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Not at all: `sslmode=disable`.
    Disabled,
    /// By TLS, with a certificate for the name of the host: `sslmode=verify-full`.
    VerifyFull(Roots),
}

/// Which authorities may have signed the certificate of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roots {
    /// Those that this machine trusts.
    System,
    /// Those in this file.
    File(PathBuf),
}

/// Why a text is no address of PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It does not begin as one.
    #[error(
        "it does not begin with `postgres://` or `postgresql://`; write `postgres://USER@HOST/DATABASE`, or the path of a file"
    )]
    Scheme,
    /// It has a password. Addresses appear in logs and in lists of processes.
    #[error(
        "it contains a password; write HOST:PORT:DATABASE:USER:PASSWORD to a file with the mode 0600 instead, and name \
         the file with `passfile=PATH`"
    )]
    Password,
    /// A part that must be there is missing.
    #[error("it names no {0}; write `postgres://USER@HOST/DATABASE`")]
    Missing(&'static str),
    /// It names several servers.
    #[error("it names several servers; name one, or a name that leads to the present one")]
    SeveralServers,
    /// A part cannot be read.
    #[error("its {part} cannot be read: {reason}")]
    Malformed {
        /// The part.
        part: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// It has a parameter that session-host does not know. Its name is not repeated: it may be a part of a password.
    #[error("it has a parameter that is none of {known}", known = PARAMETERS.join(", "))]
    UnknownParameter,
    /// The path of a file depends on the folder in which the host was started.
    #[error("`{0}` is no absolute path")]
    Relative(&'static str),
    /// It has a parameter twice.
    #[error("it has the parameter `{0}` twice")]
    Twice(&'static str),
    /// The mode does not protect against another server in the place of the right one.
    #[error(
        "`sslmode={0}` lets any server answer; write `sslmode=verify-full`, with `sslrootcert=FILE` if your own authority \
         signed the certificate"
    )]
    UnsafeMode(&'static str),
    /// The mode is unknown.
    #[error("`sslmode` is either `disable` or `verify-full`")]
    UnknownMode,
    /// There is nothing to protect on a socket.
    #[error("a socket on this machine has no TLS; leave `sslmode` and `sslrootcert` out")]
    TlsOnSocket,
    /// Certificates are named that nobody would look at.
    #[error("`sslrootcert` has no effect without TLS; add `sslmode=verify-full`")]
    UnusedRoots,
}

impl Endpoint {
    /// The number of the port or socket.
    #[must_use]
    pub fn port(&self) -> u16 {
        match self {
            Self::Tcp { port, .. } | Self::Socket { port, .. } => *port,
        }
    }

    /// What `libpq` calls the host: a name, an address or a folder.
    #[must_use]
    pub fn host(&self) -> &str {
        match self {
            Self::Tcp { host, .. } => host,
            Self::Socket { folder, .. } => folder,
        }
    }
}

impl PostgresAddress {
    /// The server and database, for messages.
    #[must_use]
    pub fn place(&self) -> String {
        format!("database `{}` on {}", self.database, self.server())
    }

    /// The server, for messages.
    #[must_use]
    pub fn server(&self) -> String {
        let (host, port) = (self.endpoint.host(), self.endpoint.port());
        match host.contains(':') {
            true => format!("[{host}]:{port}"),
            false => format!("{host}:{port}"),
        }
    }
}

impl fmt::Display for PostgresAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encode = |text| utf8_percent_encode(text, ENCODED);
        write!(formatter, "postgres://{}@", encode(&self.user))?;
        match self.endpoint.host() {
            address if address.contains(':') && !address.starts_with('/') => write!(formatter, "[{address}]")?,
            host => encode(host).fmt(formatter)?,
        }
        write!(formatter, ":{}/{}", self.endpoint.port(), encode(&self.database))?;
        match self.parameters() {
            Ok(parameters) if parameters.is_empty() => Ok(()),
            Ok(parameters) => write!(formatter, "?{}", &parameters[1..]),
            Err(error) => Err(error),
        }
    }
}

impl PostgresAddress {
    /// The parameters that a reader of the address needs, each after a `&`.
    fn parameters(&self) -> Result<String, fmt::Error> {
        let encode = |text: String| utf8_percent_encode(&text, ENCODED_IN_VALUES).to_string();
        let mut text = String::new();
        match (&self.endpoint, &self.tls) {
            (Endpoint::Socket { .. }, _) => {}
            (Endpoint::Tcp { .. }, Tls::Disabled) => text.push_str("&sslmode=disable"),
            (Endpoint::Tcp { .. }, Tls::VerifyFull(Roots::System)) => text.push_str("&sslmode=verify-full"),
            (Endpoint::Tcp { .. }, Tls::VerifyFull(Roots::File(file))) => {
                let file = encode(file.display().to_string());
                write!(text, "&sslmode=verify-full&sslrootcert={file}")?;
            }
        }
        if let Some(file) = &self.passfile {
            write!(text, "&passfile={}", encode(file.display().to_string()))?;
        }
        if self.connect_timeout != DEFAULT_CONNECT_TIMEOUT {
            write!(text, "&connect_timeout={}", self.connect_timeout.as_secs())?;
        }
        Ok(text)
    }
}

//! Reads the address of a database from a URL.
//!
//! The parameters are those of libpq that matter here. Others are refused: one that has no effect would promise something.

use std::{borrow::Cow, net::IpAddr, path::PathBuf, str::FromStr, time::Duration};

use percent_encoding::percent_decode_str;

use super::address::{AddressError, DEFAULT_CONNECT_TIMEOUT, DEFAULT_PORT, Endpoint, PostgresAddress, Roots, Tls};

/// The parameters of an address.
pub(super) const PARAMETERS: [&str; 5] = ["sslmode", "sslrootcert", "passfile", "connect_timeout", "host"];

/// The modes of libpq that let any server answer.
const UNSAFE_MODES: [&str; 4] = ["allow", "prefer", "require", "verify-ca"];

/// How many seconds a connection may take to open. libpq takes one second for two.
const CONNECT_SECONDS: std::ops::RangeInclusive<u64> = 2..=600;

/// The values of the parameters, decoded, in the order of [`PARAMETERS`].
type Values = [Option<String>; PARAMETERS.len()];

impl FromStr for PostgresAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.split_once("://").ok_or(AddressError::Scheme)?;
        if !["postgres", "postgresql"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(scheme))
        {
            return Err(AddressError::Scheme);
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        // A password may contain any of the characters that separate parts. All before the last `@` belongs to it.
        let (user, rest) = rest.rsplit_once('@').ok_or(AddressError::Missing("user"))?;
        if user.contains([':', '/', '@']) {
            return Err(AddressError::Password);
        }
        let (server, database) = rest.split_once('/').unwrap_or((rest, ""));
        let [mode, roots, passfile, timeout, folder] = values(query)?;
        let endpoint = endpoint(server, folder)?;
        Ok(Self {
            user: required("user", user)?,
            tls: tls(&endpoint, mode.as_deref(), roots)?,
            endpoint,
            database: required("database", database)?,
            passfile: passfile.map(|file| absolute("passfile", file)).transpose()?,
            connect_timeout: timeout.map_or(Ok(DEFAULT_CONNECT_TIMEOUT), |text| seconds(&text))?,
        })
    }
}

fn decode<'a>(part: &'static str, text: &'a str) -> Result<Cow<'a, str>, AddressError> {
    let malformed = |reason| AddressError::Malformed { part, reason };
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| malformed("it is not UTF-8"))?;
    match decoded.chars().any(char::is_control) {
        true => Err(malformed("it contains a control character")),
        false => Ok(decoded),
    }
}

fn required(part: &'static str, text: &str) -> Result<String, AddressError> {
    match decode(part, text)? {
        decoded if decoded.is_empty() => Err(AddressError::Missing(part)),
        decoded => Ok(decoded.into_owned()),
    }
}

fn values(query: &str) -> Result<Values, AddressError> {
    let mut values = Values::default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode("parameters", name)?;
        if name == "password" {
            return Err(AddressError::Password);
        }
        let known = PARAMETERS.iter().zip(&mut values).find(|(known, _)| **known == name);
        let Some((known, place)) = known else {
            return Err(AddressError::UnknownParameter);
        };
        if place.is_some() {
            return Err(AddressError::Twice(known));
        }
        *place = Some(required(known, value)?);
    }
    Ok(values)
}

/// The path of a file, which must not depend on where the host was started.
fn absolute(parameter: &'static str, path: impl Into<PathBuf>) -> Result<PathBuf, AddressError> {
    let path = path.into();
    match path.is_absolute() {
        true => Ok(path),
        false => Err(AddressError::Relative(parameter)),
    }
}

fn endpoint(server: &str, folder: Option<String>) -> Result<Endpoint, AddressError> {
    if server.contains(',') {
        return Err(AddressError::SeveralServers);
    }
    let (host, port) = match server.strip_prefix('[') {
        Some(rest) => {
            let malformed = AddressError::Malformed {
                part: "host",
                reason: "it has no `]`",
            };
            let (host, port) = rest.split_once(']').ok_or(malformed)?;
            (
                host,
                port.strip_prefix(':').or(Some(port).filter(|port| !port.is_empty())),
            )
        }
        None => server
            .split_once(':')
            .map_or((server, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map_or(Ok(DEFAULT_PORT), self::port)?;
    let host = decode("host", host)?.into_owned();
    match (host.is_empty(), folder) {
        (true, None) => Err(AddressError::Missing("host")),
        (false, Some(_)) => Err(AddressError::SeveralServers),
        (true, Some(folder)) if folder.starts_with('/') => Ok(Endpoint::Socket { folder, port }),
        (true, Some(_)) => Err(AddressError::Malformed {
            part: "host",
            reason: "as a parameter it is the folder with the socket, an absolute path",
        }),
        (false, None) if host.starts_with('/') => Ok(Endpoint::Socket { folder: host, port }),
        (false, None) if server.starts_with('[') => ipv6(host, port),
        (false, None)
            if host
                .chars()
                .any(|letter| letter.is_whitespace() || ":/@,".contains(letter)) =>
        {
            Err(AddressError::Malformed {
                part: "host",
                reason: "it is no name of a machine",
            })
        }
        (false, None) => Ok(Endpoint::Tcp { host, port }),
    }
}

fn ipv6(host: String, port: u16) -> Result<Endpoint, AddressError> {
    match host.parse() {
        Ok(IpAddr::V6(_)) => Ok(Endpoint::Tcp { host, port }),
        _ => Err(AddressError::Malformed {
            part: "host",
            reason: "what is in brackets is no IPv6 address",
        }),
    }
}

fn port(text: &str) -> Result<u16, AddressError> {
    let malformed = AddressError::Malformed {
        part: "port",
        reason: "it is a number from 1 to 65535",
    };
    text.parse().ok().filter(|port| *port > 0).ok_or(malformed)
}

fn seconds(text: &str) -> Result<Duration, AddressError> {
    let malformed = AddressError::Malformed {
        part: "connect_timeout",
        reason: "it is a number of seconds from 2 to 600",
    };
    let seconds = text.parse().ok().filter(|seconds| CONNECT_SECONDS.contains(seconds));
    seconds.map(Duration::from_secs).ok_or(malformed)
}

/// Nobody but this machine can listen to its own loopback.
fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn tls(endpoint: &Endpoint, mode: Option<&str>, roots: Option<String>) -> Result<Tls, AddressError> {
    let host = match endpoint {
        Endpoint::Tcp { host, .. } => host,
        Endpoint::Socket { .. } => {
            return match (mode, roots) {
                (None | Some("disable"), None) => Ok(Tls::Disabled),
                _ => Err(AddressError::TlsOnSocket),
            };
        }
    };
    let mode = mode.unwrap_or(if is_loopback(host) { "disable" } else { "verify-full" });
    match (mode, roots.as_deref()) {
        ("disable", None) => Ok(Tls::Disabled),
        ("disable", Some(_)) => Err(AddressError::UnusedRoots),
        ("verify-full", None | Some("system")) => Ok(Tls::VerifyFull(Roots::System)),
        ("verify-full", Some(file)) => Ok(Tls::VerifyFull(Roots::File(absolute("sslrootcert", file)?))),
        (other, _) => Err(match UNSAFE_MODES.into_iter().find(|mode| *mode == other) {
            Some(mode) => AddressError::UnsafeMode(mode),
            None => AddressError::UnknownMode,
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<PostgresAddress, AddressError> {
        text.parse()
    }

    fn tcp(host: &str, port: u16) -> Endpoint {
        Endpoint::Tcp {
            host: host.to_owned(),
            port,
        }
    }

    #[test]
    fn an_address_elsewhere_has_a_verified_certificate_by_default() {
        let address = parse("postgres://host@db.example.com/sessions").unwrap();
        assert_eq!(address.endpoint, tcp("db.example.com", 5432));
        assert_eq!(address.tls, Tls::VerifyFull(Roots::System));
        assert_eq!((address.user.as_str(), address.database.as_str()), ("host", "sessions"));
        for own in ["localhost", "127.0.0.1", "[::1]:7"] {
            assert_eq!(parse(&format!("postgresql://a@{own}/b")).unwrap().tls, Tls::Disabled);
        }
        let file = parse("postgres://a@b:1/c?sslmode=verify-full&sslrootcert=/ca%20file+1").unwrap();
        assert_eq!(file.tls, Tls::VerifyFull(Roots::File("/ca file+1".into())));
    }

    #[test]
    fn a_socket_is_named_in_either_way() {
        for text in ["postgres://a@%2Frun%2Fpg:7/b", "postgres://a@:7/b?host=/run/pg"] {
            let folder = "/run/pg".to_owned();
            assert_eq!(
                parse(text).unwrap().endpoint,
                Endpoint::Socket { folder, port: 7 },
                "{text}"
            );
        }
        assert_eq!(
            parse("postgres://a@/b?host=/run&sslmode=verify-full"),
            Err(AddressError::TlsOnSocket)
        );
    }

    #[test]
    fn what_is_no_safe_address_is_refused() {
        use AddressError as E;
        for (text, error) in [
            ("mysql://a@b/c", E::Scheme),
            ("postgres://b/c", E::Missing("user")),
            ("postgres://a@/c", E::Missing("host")),
            ("postgres://a@b", E::Missing("database")),
            ("postgres://a@b,c/d", E::SeveralServers),
            ("postgres://a@b/c?sslmode=prefer", E::UnsafeMode("prefer")),
            ("postgres://a@b/c?sslmode=require", E::UnsafeMode("require")),
            ("postgres://a@b/c?sslmode=on", E::UnknownMode),
            ("postgres://a@b/c?sslmode=disable&sslrootcert=/x", E::UnusedRoots),
            ("postgres://a@b/c?user=x", E::UnknownParameter),
            ("postgres://a@b/c?passfile=x", E::Relative("passfile")),
            (
                "postgres://a@b/c?sslmode=verify-full&sslrootcert=x",
                E::Relative("sslrootcert"),
            ),
            ("postgres://a@b/c?passfile=/x&passfile=/y", E::Twice("passfile")),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
        for text in [
            "a@b:0/c",
            "a@b:65536/c",
            "a@[b]/c",
            "a@[::1/c",
            "a@[::1]7/c",
            "a@b/c?connect_timeout=1",
            "%FF@b/c",
        ] {
            let malformed = parse(&format!("postgres://{text}"));
            assert!(
                matches!(malformed, Err(E::Malformed { .. })) || text.contains("]7"),
                "{text}: {malformed:?}"
            );
        }
        let unknown = parse("postgres://a@b/c?x=1").unwrap_err().to_string();
        assert!(unknown.contains("sslmode, sslrootcert, passfile"), "{unknown}");
    }

    proptest! {
        #[test]
        fn no_password_is_accepted_or_shown(password in "[!-~]{3,20}") {
            prop_assume!(!"postgres://USER@HOST/DATABASE 0600 PASSWORD passfile=PATH".contains(&password));
            for text in [format!("postgres://a:{password}@b/c"), format!("postgres://a@b/c?password={password}")] {
                let error = parse(&text).unwrap_err().to_string();
                prop_assert!(!error.contains(&password) || error.contains("`sslmode"), "{}", error);
            }
        }

        #[test]
        fn an_address_is_read_as_it_is_written(
            user in "[^\\p{C}]{1,10}",
            database in "[^\\p{C}]{1,10}",
            host in prop_oneof!["[a-z][a-z0-9.-]{0,12}", Just("2001:db8::7".to_owned()), "/[^\\p{C}]{0,12}"],
            port in 1_u16..,
            tls in prop_oneof![
                Just(Tls::Disabled),
                Just(Tls::VerifyFull(Roots::System)),
                "/[^\\p{C}]{1,12}".prop_map(|file| Tls::VerifyFull(Roots::File(file.into()))),
            ],
            passfile in prop::option::of("/[^\\p{C}]{1,12}".prop_map(PathBuf::from)),
            seconds in CONNECT_SECONDS,
        ) {
            let (endpoint, tls) = match host.starts_with('/') {
                true => (Endpoint::Socket { folder: host, port }, Tls::Disabled),
                false => (Endpoint::Tcp { host, port }, tls),
            };
            let connect_timeout = Duration::from_secs(seconds);
            let address = PostgresAddress { user, endpoint, database, tls, passfile, connect_timeout };
            prop_assert_eq!(parse(&address.to_string()), Ok(address));
        }
    }
}

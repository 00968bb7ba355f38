//! Finds the users whose programs listen on an address of this machine.

use std::{
    fs,
    net::{IpAddr, SocketAddr},
};

/// The system's socket tables, one socket a line.
const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// How the tables mark a listening socket.
const LISTENS: &str = "0A";

/// The users whose programs would accept a connection to this address; empty if the system does not tell.
pub(super) fn users_listening_on(address: SocketAddr) -> Vec<u32> {
    let tables = TABLES.iter().filter_map(|table| fs::read_to_string(table).ok());
    let users = |table: String| -> Vec<u32> {
        let lines = table.lines().filter_map(|line| user_of(line, address));
        lines.collect()
    };
    tables.flat_map(users).collect()
}

/// The user of a line's socket, if that accepts connections to the address.
fn user_of(line: &str, address: SocketAddr) -> Option<u32> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (local, state, user) = (fields.get(1)?, fields.get(3)?, fields.get(7)?);
    let (ip, port) = local.split_once(':')?;
    let (ip, port) = (ip_of(ip)?, u16::from_str_radix(port, 16).ok()?);
    let takes = ip.is_unspecified() || ip.to_canonical() == address.ip().to_canonical();
    match *state == LISTENS && port == address.port() && takes {
        true => user.parse().ok(),
        false => None,
    }
}

/// Parses an address of the tables: machine words in hexadecimal digits.
fn ip_of(digits: &str) -> Option<IpAddr> {
    let word = |place: usize| {
        let digits = digits.get(8 * place..8 * (place + 1))?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    match digits.len() {
        8 => Some(word(0)?.into()),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            Some(<[u8; 16]>::try_from(words.concat()).ok()?.into())
        }
        _ => None,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{net::TcpListener, os::unix::fs::MetadataExt};

    use super::*;

    #[test]
    fn finds_the_user_of_a_listening_socket() {
        let own = fs::metadata("/proc/self").unwrap().uid();
        for (listening, asked) in [
            ("127.0.0.1:0", "127.0.0.1"),
            ("0.0.0.0:0", "127.0.0.1"),
            ("[::1]:0", "::1"),
            ("[::]:0", "127.0.0.1"),
        ] {
            let listener = TcpListener::bind(listening).unwrap();
            let port = listener.local_addr().unwrap().port();
            let found = users_listening_on(SocketAddr::new(asked.parse().unwrap(), port));
            assert_eq!(found, [own], "{listening}");
            drop(listener);
            assert!(users_listening_on(SocketAddr::new(asked.parse().unwrap(), port)).is_empty());
        }
    }
}

//! The address as libpq reads it: keywords and values.

use std::{fmt::Write as _, path::Path, time::Duration};

use super::{
    address::{Endpoint, PostgresAddress, Roots, Tls},
    password, trust,
};

/// After how much silence a connection asks whether the server is there.
pub(super) const KEEPALIVE_IDLE: Duration = Duration::from_secs(5);

/// How long it waits until it asks again.
pub(super) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(3);

/// How often it asks until it gives the server up.
pub(super) const KEEPALIVE_COUNT: u32 = 3;

/// How long the server may leave what was sent to it unconfirmed.
pub(super) const UNCONFIRMED: Duration = Duration::from_secs(15);

impl PostgresAddress {
    /// The address for libpq, for connections of this name. It has no password: libpq reads the password file.
    ///
    /// Every value that libpq would take from the environment is given, so that the environment changes nothing.
    #[must_use]
    pub fn libpq(&self, application_name: &str) -> String {
        let mut text = String::new();
        let mut set = |name: &str, value: &str| {
            // Writing to a text does not fail.
            let _ = write!(text, "{name}={} ", quoted(value));
        };
        set("host", self.endpoint.host());
        set("hostaddr", "");
        set("port", &self.endpoint.port().to_string());
        set("user", &self.user);
        set("dbname", &self.database);
        // An empty password makes libpq read the file, whatever PGPASSWORD says.
        set("password", "");
        if let Some(file) = password::file(self) {
            set("passfile", &file.display().to_string());
        }
        match (&self.endpoint, &self.tls) {
            (Endpoint::Socket { .. }, _) | (_, Tls::Disabled) => set("sslmode", "disable"),
            (Endpoint::Tcp { .. }, Tls::VerifyFull(roots)) => {
                set("sslmode", "verify-full");
                set("sslrootcert", &roots_of(roots));
            }
        }
        set("connect_timeout", &self.connect_timeout.as_secs().to_string());
        set("keepalives", "1");
        set("keepalives_idle", &KEEPALIVE_IDLE.as_secs().to_string());
        set("keepalives_interval", &KEEPALIVE_INTERVAL.as_secs().to_string());
        set("keepalives_count", &KEEPALIVE_COUNT.to_string());
        set("tcp_user_timeout", &UNCONFIRMED.as_millis().to_string());
        set("options", &settings_of_the_server());
        set("application_name", application_name);
        text.truncate(text.trim_end().len());
        text
    }
}

/// The settings of the server for these connections. By the keepalives, it notices that a host is gone. Otherwise, what the
/// host's transaction has locked would stay locked for hours. The server also reads backslashes as the host writes them,
/// whatever the database says.
pub(super) fn settings_of_the_server() -> String {
    format!(
        "-c standard_conforming_strings=on -c tcp_keepalives_idle={} -c tcp_keepalives_interval={} \
         -c tcp_keepalives_count={KEEPALIVE_COUNT} -c tcp_user_timeout={}",
        KEEPALIVE_IDLE.as_secs(),
        KEEPALIVE_INTERVAL.as_secs(),
        UNCONFIRMED.as_millis()
    )
}

/// libpq before version 16 does not know the word `system`, so it gets the file that it means.
fn roots_of(roots: &Roots) -> String {
    match roots {
        Roots::File(file) => file.display().to_string(),
        Roots::System => {
            let file = trust::system_file();
            file.as_deref().unwrap_or(Path::new("system")).display().to_string()
        }
    }
}

/// A value in quotes.
fn quoted(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('\'');
    for letter in value.chars() {
        if matches!(letter, '\'' | '\\') {
            text.push('\\');
        }
        text.push(letter);
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Another reader of the format gets the same.
        #[test]
        fn a_quoted_value_is_read_as_it_is(user in "[^\\x00]{1,20}", database in "[^\\x00]{1,20}") {
            let text = format!("user={} dbname={}", quoted(&user), quoted(&database));
            let read: tokio_postgres::Config = text.parse().unwrap();
            prop_assert_eq!(read.get_user(), Some(user.as_str()));
            prop_assert_eq!(read.get_dbname(), Some(database.as_str()));
        }
    }

    #[test]
    fn libpq_gets_what_the_host_uses_itself() {
        let address: PostgresAddress = "postgres://it's@db/a?sslrootcert=/ca&passfile=/p&connect_timeout=7"
            .parse()
            .unwrap();
        let text = address.libpq("session-host-3");
        for part in [
            r"user='it\'s'",
            "host='db' hostaddr='' port='5432'",
            "password='' passfile='/p'",
            "sslmode='verify-full' sslrootcert='/ca'",
            "connect_timeout='7'",
            "keepalives_idle='5'",
            "application_name='session-host-3'",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

//! Recognises from the texts of DuckDB and the system why the whole state cannot be read or written.

use std::{fmt, io};

/// A fault of the whole state, which no statement causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The disk is full, or a quota is used up.
    Full,
    /// The file system is read-only.
    ReadOnly,
    /// The disk fails to read or write.
    Disk,
    /// The file or its WAL does not hold what was written.
    Damaged,
    /// DuckDB rejects every further statement after a fault of its own.
    Invalidated,
    /// The database server cannot be reached, or has ended the connection.
    Server,
    /// The database server takes no writes.
    Standby,
}

/// The classes of DuckDB's errors that concern the database, its files or DuckDB itself. No SQL can raise them:
/// `error()` and bad values have classes of their own.
const CLASSES: [&str; 6] = [
    "IO Error",
    "FATAL Error",
    "INTERNAL Error",
    "Serialization Error",
    "TransactionContext Error: Failed to commit",
    "TransactionContext Error: Failure while replaying",
];

impl Trouble {
    /// The trouble that the text of a failed statement shows, if any.
    pub(super) fn of(text: &str) -> Option<Self> {
        if let Some(trouble) = Self::of_the_server(text) {
            return Some(trouble);
        }
        if !CLASSES.iter().any(|class| text.starts_with(class)) {
            return None;
        }
        // A text may name several troubles; the one from the system caused the others.
        let named = [
            (
                Self::Full,
                &["No space left on device", "Disk quota exceeded", "File too large"][..],
            ),
            (Self::ReadOnly, &["Read-only file system"]),
            (Self::Disk, &["Input/output error", "Stale file handle"]),
            (
                Self::Damaged,
                &["orrupt", "Could not read enough bytes", "Serialization Error"],
            ),
            (Self::Invalidated, &["FATAL Error", "INTERNAL Error"]),
        ];
        let found = named.iter().find(|(_, words)| contains_any(text, words));
        found.map(|(trouble, _)| *trouble)
    }

    /// The trouble that DuckDB's extension for PostgreSQL tells of. It passes on what PostgreSQL or its client library says.
    fn of_the_server(text: &str) -> Option<Self> {
        const CLASSES: [&str; 7] = [
            "Invalid Error: Failed to ",
            "IO Error: Failed to fetch header for COPY: ",
            "Failed to append: Failed to ",
            "IO Error: Unable to connect to Postgres",
            "TransactionContext Error: Failed to commit: Failed to execute query",
            "FATAL Error",
            "INTERNAL Error",
        ];
        /// What the client library says of a connection that has ended, and PostgreSQL of one that it ends or refuses.
        const ENDED: [&str; 13] = [
            "Unable to connect to Postgres",
            "server closed the connection",
            "terminating connection",
            "connection to server",
            "connection not open",
            "no connection to the server",
            "SSL connection has been closed",
            "SSL SYSCALL error",
            "SSL error",
            "could not receive data from server",
            "could not send data to server",
            "the database system is",
            "connection slots",
        ];
        if !CLASSES.iter().any(|class| text.starts_with(class)) {
            return None;
        }
        match () {
            () if text.contains("ERROR:") && text.contains("No space left on device") => Some(Self::Full),
            () if text.contains("in a read-only transaction") => Some(Self::Standby),
            // Whoever paused so long would do it again.
            () if text.contains("idle-in-transaction timeout") => None,
            // PostgreSQL has refused the statement. Whatever else the text says is about the statement and its rows.
            () if text.contains("ERROR:  ") => None,
            // The library says nothing of a connection that had ended before.
            () if contains_any(text, &ENDED) || text.trim_end().ends_with("\":") => Some(Self::Server),
            () => None,
        }
    }

    /// Like [`of`](Self::of), for an error while the file is opened. DuckDB has read nothing but the file then, so any
    /// fault concerns the file.
    pub(super) fn of_opening(text: &str) -> Option<Self> {
        let tells_of_the_file = ["INTERNAL Error", "Serialization Error", "Failure while replaying WAL"];
        Self::of(text)
            .filter(|trouble| *trouble != Self::Invalidated)
            .or_else(|| contains_any(text, &tells_of_the_file).then_some(Self::Damaged))
    }

    /// The trouble that an error of the system shows, if any.
    pub(super) fn of_system(error: &io::Error) -> Option<Self> {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Some(Self::Full),
            ReadOnlyFilesystem => Some(Self::ReadOnly),
            _ if error.raw_os_error() == Some(libc::EIO) => Some(Self::Disk),
            _ => None,
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Full => "make room on the disk of the state file",
            Self::ReadOnly => {
                "find out why the file system of the state file is read-only, and mount it for writing again"
            }
            Self::Disk => "look in the kernel's log for errors of the disk of the state file",
            Self::Damaged => {
                "the state file is damaged: stop what uses it, then restore a backup, or move the file away with its .wal and .before-checkpoint files and let `session-host run` create a new one from the transcripts that still exist"
            }
            Self::Invalidated => "restart the process; no committed data is lost",
            Self::Server => {
                "see whether PostgreSQL runs and can be reached from here; a service goes on by itself when it can"
            }
            Self::Standby => "PostgreSQL takes no writes; if it is a standby, let the address name the primary",
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.remedy())
    }
}

fn contains_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn told(text: &str, expected: Option<Trouble>) {
        assert_eq!(Trouble::of(text), expected, "{text}");
    }

    #[test]
    fn the_systems_message_decides_the_trouble() {
        let full = r#"FATAL Error: Failed: database has been invalidated because of a previous fatal error.
            Original error: "Failed to create checkpoint: Could not write file "s": No space left on device""#;
        told(full, Some(Trouble::Full));
        let commit = "TransactionContext Error: Failed to commit: Could not write file \"s.wal\": Input/output error";
        told(commit, Some(Trouble::Disk));
        told(
            "IO Error: Cannot open file \"s\": Read-only file system",
            Some(Trouble::ReadOnly),
        );
        told(
            "IO Error: Corrupt database file: computed checksum 1",
            Some(Trouble::Damaged),
        );
        told(
            "IO Error: Could not read enough bytes from file \"s\"",
            Some(Trouble::Damaged),
        );
        told(
            "INTERNAL Error: Attempted to dereference null",
            Some(Trouble::Invalidated),
        );
    }

    #[test]
    fn a_connection_that_ends_while_rows_are_appended_is_trouble_of_the_server() {
        told(
            "Failed to append: Failed to copy data: FATAL:  terminating connection due to administrator command",
            Some(Trouble::Server),
        );
        // With TLS, a connection that is cut ends without a farewell.
        told(
            "TransactionContext Error: Failed to commit: Failed to execute query \"COMMIT\": SSL error: unexpected eof while reading",
            Some(Trouble::Server),
        );
        told(
            "IO Error: Failed to fetch header for COPY: FATAL:  terminating connection due to administrator command",
            Some(Trouble::Server),
        );
        told(
            "Invalid Error: Failed to execute query \"COMMIT\": FATAL:  terminating connection due to idle-in-transaction timeout\nserver closed the connection unexpectedly",
            None,
        );
        told(
            "Failed to append: Failed to copy data: ERROR:  violates check constraint\nDETAIL:  Failing row contains (SSL error)",
            None,
        );
        told(
            "Failed to append: Failed to copy data: ERROR:  value too long for type character varying(3)",
            None,
        );
    }

    #[test]
    fn errors_of_sql_are_no_trouble_of_the_state() {
        told(
            "Invalid Input Error: Corrupt database file: No space left on device",
            None,
        );
        told("TransactionContext Error: Conflict on tuple deletion!", None);
        told("IO Error: No files found that match the pattern \"x\"", None);
        told("Constraint Error: Duplicate key \"No space left on device\"", None);
    }
}

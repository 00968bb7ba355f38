//! What the host calls before it removes the rows of a session.

use abi_stable::std_types::RBox;

use crate::{Connection, Result, abi::RawAttempt_TO};

/// The hooks of a processor that writes with [`Connection::execute`]. Implement the trait beside
/// [`SessionProcessor`](crate::SessionProcessor); [`export_processor!`](crate::export_processor) notices it.
///
/// The host removes a session's rows from the session tables by itself. It does not know what `execute` wrote for the
/// session, such as a sum in a table without `session_file`. A hook takes that back. Before a hook, the session tables
/// still hold the rows of the version that was processed, so the hook can subtract what these say.
///
/// A hook has `execute` and `query`, but not `replace`. What it writes commits together with the host's own changes, or
/// not at all.
///
/// ```
/// use session_plugin_api::{ProcessedSession, SessionHooks, prelude::*};
///
/// struct Words;
///
/// impl Words {
///     fn take_back(&self, session: &ProcessedSession<'_>, conn: &Connection<'_>) -> Result<()> {
///         let key = session.session_key();
///         let sql = "UPDATE word_totals SET n = n - s.n FROM session_words AS s
///                    WHERE s.session_file = ? AND word_totals.word = s.word";
///         conn.execute(sql, &[&key])?;
///         conn.execute("DELETE FROM word_totals WHERE n = 0", &[])?;
///         Ok(())
///     }
/// }
///
/// impl SessionHooks for Words {
///     fn replaced(&self, earlier: &ProcessedSession<'_>, conn: &Connection<'_>) -> Result<()> {
///         self.take_back(earlier, conn)
///     }
///
///     fn forgotten(&self, session: &ProcessedSession<'_>, conn: &Connection<'_>) -> Result<()> {
///         self.take_back(session, conn)
///     }
/// }
/// ```
///
/// A host older than interface 1.2 calls no hook.
pub trait SessionHooks {
    /// Takes back what was written for the earlier version of a session. The host calls it in the transaction of the
    /// attempt, before [`process_session`](crate::SessionProcessor::process_session), if a version of the session was
    /// processed before: when the session has changed, is reprocessed, or was processed to an older output version.
    ///
    /// # Errors
    /// After an error or a panic the attempt fails, and everything stays as it was.
    fn replaced(&self, earlier: &ProcessedSession<'_>, connection: &Connection<'_>) -> Result<()>;

    /// Takes back what was written for a session that an operator forgets, or whose user is forgotten. Afterwards, no row
    /// of the processor may name the session or its user on account of this session.
    ///
    /// # Errors
    /// After an error or a panic nothing is forgotten, and the operator gets the error.
    fn forgotten(&self, session: &ProcessedSession<'_>, connection: &Connection<'_>) -> Result<()>;
}

/// A session as the processor last processed it.
#[derive(Clone, Copy, Debug)]
pub struct ProcessedSession<'a> {
    session_key: &'a str,
    username: &'a str,
    file_hash: &'a str,
}

impl<'a> ProcessedSession<'a> {
    /// Makes a session for the tests of a processor. Its hash is unknown.
    #[must_use]
    pub fn new(session_key: &'a str, username: &'a str) -> Self {
        Self {
            session_key,
            username,
            file_hash: "",
        }
    }

    pub(crate) fn of_attempt(attempt: &'a RawAttempt_TO<'_, RBox<()>>) -> Self {
        Self {
            session_key: attempt.session_key().as_str(),
            username: attempt.username().as_str(),
            file_hash: attempt.file_hash().as_str(),
        }
    }

    /// The transcript's path below the sessions directory, such as `alice/3f2c.jsonl`.
    #[must_use]
    pub fn session_key(&self) -> &'a str {
        self.session_key
    }

    /// The user that the session was recorded for when it was processed.
    #[must_use]
    pub fn username(&self) -> &'a str {
        self.username
    }

    /// The MD5 of the version that was processed; `None` if an older service processed it.
    #[must_use]
    pub fn file_hash(&self) -> Option<&'a str> {
        (!self.file_hash.is_empty()).then_some(self.file_hash)
    }
}

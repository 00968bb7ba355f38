//! The objects through which host and plugin call each other.

use abi_stable::{
    erased_types::TD_Opaque,
    std_types::{RBox, RSlice, RStr, RVec},
};

use super::{
    RawBatchSink_TO, RawColumn, RawReply,
    message::{Outcome, encode},
};

/// A processor, as the host sees it.
///
/// Every method catches its own panics: nothing unwinds across the ABI boundary.
#[abi_stable::sabi_trait]
pub trait RawProcessor: Send + Sync {
    /// Describes the processor.
    ///
    /// Returns a [`message::Outcome`](crate::abi::message::Outcome) of a
    /// [`message::Description`](crate::abi::message::Description), as JSON bytes.
    fn describe(&self) -> RVec<u8>;

    /// Takes the processor's section of the configuration, a JSON object.
    ///
    /// Returns a [`message::Outcome`](crate::abi::message::Outcome) of nothing, as JSON bytes.
    fn configure(&mut self, configuration: RStr<'_>) -> RVec<u8>;

    /// Processes one session.
    ///
    /// Returns a [`message::Outcome`](crate::abi::message::Outcome) of
    /// [`message::Processed`](crate::abi::message::Processed), as JSON bytes.
    #[sabi(last_prefix_field)]
    fn process_session(&self, attempt: &RawAttempt_TO<'_, RBox<()>>) -> RVec<u8>;

    /// Passes the rows of all reference tables to `sink`. Since 1.1.
    ///
    /// Returns a [`message::Outcome`](crate::abi::message::Outcome) of nothing, as JSON bytes.
    fn reference_rows(&self, sink: RawReferenceSink_TO<'_, RBox<()>>) -> RVec<u8> {
        let _ = sink;
        RVec::from(encode(&Outcome::Returned(())))
    }

    /// Takes back what SQL wrote for the earlier version of a session, before another version is processed. Since 1.2.
    ///
    /// The host calls it only if [`message::Hooks`](crate::abi::message::Hooks) declares it. The attempt is that of the new
    /// version, with the user and the hash of the earlier one, without bytes, and without `replace`. Returns a
    /// [`message::Outcome`](crate::abi::message::Outcome) of nothing, as JSON bytes.
    fn replaced(&self, earlier: &RawAttempt_TO<'_, RBox<()>>) -> RVec<u8> {
        let _ = earlier;
        RVec::from(encode(&Outcome::Returned(())))
    }

    /// Takes back what SQL wrote for a session that is being forgotten. Since 1.2.
    ///
    /// As [`replaced`](Self::replaced), in the transaction in which the host deletes the session's rows.
    fn forgotten(&self, session: &RawAttempt_TO<'_, RBox<()>>) -> RVec<u8> {
        let _ = session;
        RVec::from(encode(&Outcome::Returned(())))
    }
}

/// Takes the rows of reference tables. Since 1.1.
#[abi_stable::sabi_trait]
pub trait RawReferenceSink {
    /// Adds rows to the new content of one of the processor's reference tables.
    #[sabi(last_prefix_field)]
    fn replace(&mut self, table: RStr<'_>, columns: RSlice<'_, RawColumn<'_>>) -> RawReply;
}

/// One attempt, as the plugin sees it: what the host knows about the session, and access to the database.
#[abi_stable::sabi_trait]
pub trait RawAttempt {
    /// The transcript's path, as the operating system's bytes.
    fn path(&self) -> RSlice<'_, u8>;

    /// The user that the session belongs to.
    fn username(&self) -> RStr<'_>;

    /// The transcript's path below the sessions directory, with `/`.
    fn session_key(&self) -> RStr<'_>;

    /// When the transcript was last written: microseconds since the epoch, UTC.
    fn modified(&self) -> i64;

    /// The MD5 of the file's bytes, 32 lower-case hex digits.
    fn file_hash(&self) -> RStr<'_>;

    /// The snapshot: the file's bytes, or the UTF-8 that the host decoded UTF-16 to.
    fn bytes(&self) -> RSlice<'_, u8>;

    /// The number of the run that the attempt belongs to.
    fn run(&self) -> u64;

    /// Adds rows to the session's new content of one of the processor's session tables.
    fn replace(&self, table: RStr<'_>, columns: RSlice<'_, RawColumn<'_>>) -> RawReply;

    /// Runs one statement; parameters are columns of one row. Returns the number of rows that it changed.
    fn execute(&self, sql: RStr<'_>, parameters: RSlice<'_, RawColumn<'_>>) -> RawReply;

    /// Runs one query and passes its rows to `sink`. Returns the number of rows.
    #[sabi(last_prefix_field)]
    fn query(
        &self,
        sql: RStr<'_>,
        parameters: RSlice<'_, RawColumn<'_>>,
        sink: RawBatchSink_TO<'_, RBox<()>>,
    ) -> RawReply;

    /// How long the attempt may go on, and whether it should. Since 1.2.
    fn cancellation(&self) -> RawCancellation_TO<'_, RBox<()>> {
        RawCancellation_TO::from_value(NeverCancelled, TD_Opaque)
    }
}

/// Tells an attempt how long it may go on, in any of its threads. Since 1.2.
#[abi_stable::sabi_trait]
pub trait RawCancellation: Send + Sync {
    /// The nanoseconds until the host abandons the attempt; `u64::MAX` if nothing ends it.
    fn time_left(&self) -> u64;

    /// Whether the attempt should stop now.
    #[sabi(last_prefix_field)]
    fn is_cancelled(&self) -> bool;
}

/// The answers in place of a host that is older than 1.2.
struct NeverCancelled;

impl RawCancellation for NeverCancelled {
    fn time_left(&self) -> u64 {
        u64::MAX
    }

    fn is_cancelled(&self) -> bool {
        false
    }
}

/// What the host offers a plugin outside of an attempt.
#[abi_stable::sabi_trait]
pub trait RawHost: Send + Sync {
    /// The most detailed [`log::level`](crate::log::level) that the host keeps.
    fn log_level(&self) -> u8;

    /// Takes one log record; `place` is `file:line` or empty.
    #[sabi(last_prefix_field)]
    fn log(&self, level: u8, target: RStr<'_>, place: RStr<'_>, message: RStr<'_>);
}

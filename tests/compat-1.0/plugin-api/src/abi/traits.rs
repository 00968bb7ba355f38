//! The objects that host and plugin call each other through.

use abi_stable::std_types::{RBox, RSlice, RStr, RVec};

use super::{RawBatchSink_TO, RawColumn, RawReply};

/// A processor, as the host sees it.
///
/// Every method catches its own panics: nothing unwinds across the border.
#[abi_stable::sabi_trait]
pub trait RawProcessor: Send + Sync {
    /// A [`message::Outcome`](crate::abi::message::Outcome) of a [`message::Description`](crate::abi::message::Description), as JSON bytes.
    fn describe(&self) -> RVec<u8>;

    /// Takes the processor's section of the configuration, a JSON object.
    ///
    /// Gives a [`message::Outcome`](crate::abi::message::Outcome) of nothing, as JSON bytes.
    fn configure(&mut self, configuration: RStr<'_>) -> RVec<u8>;

    /// Processes one session.
    ///
    /// Gives a [`message::Outcome`](crate::abi::message::Outcome) of [`message::Processed`](crate::abi::message::Processed), as JSON bytes.
    #[sabi(last_prefix_field)]
    fn process_session(&self, attempt: &RawAttempt_TO<'_, RBox<()>>) -> RVec<u8>;
}

/// One attempt at one session, as the plugin sees it: the session's facts and its connection to the state.
#[abi_stable::sabi_trait]
pub trait RawAttempt {
    /// The transcript's path, as the operating system's bytes.
    fn path(&self) -> RSlice<'_, u8>;

    /// The user that the session is recorded for.
    fn username(&self) -> RStr<'_>;

    /// The transcript's path below the sessions directory, with `/`.
    fn session_key(&self) -> RStr<'_>;

    /// When the transcript was last written: microseconds since the epoch, UTC.
    fn modified(&self) -> i64;

    /// The MD5 of `bytes`, 32 lower-case hex digits.
    fn file_hash(&self) -> RStr<'_>;

    /// The transcript's bytes, read once by the host.
    fn bytes(&self) -> RSlice<'_, u8>;

    /// The number of the run that the attempt belongs to.
    fn run(&self) -> u64;

    /// Adds rows to what will replace the session's rows in one of the processor's session tables.
    fn replace(&self, table: RStr<'_>, columns: RSlice<'_, RawColumn<'_>>) -> RawReply;

    /// Runs one statement; parameters are columns of one row. Gives the number of rows that it changed.
    fn execute(&self, sql: RStr<'_>, parameters: RSlice<'_, RawColumn<'_>>) -> RawReply;

    /// Runs one query and hands its rows to `sink`. Gives the number of rows.
    #[sabi(last_prefix_field)]
    fn query(
        &self,
        sql: RStr<'_>,
        parameters: RSlice<'_, RawColumn<'_>>,
        sink: RawBatchSink_TO<'_, RBox<()>>,
    ) -> RawReply;
}

/// What the host offers a plugin outside of any attempt.
#[abi_stable::sabi_trait]
pub trait RawHost: Send + Sync {
    /// The most detailed [`log::level`](crate::log::level) that the host keeps.
    fn log_level(&self) -> u8;

    /// Takes one log record; `place` is `file:line` or empty.
    #[sabi(last_prefix_field)]
    fn log(&self, level: u8, target: RStr<'_>, place: RStr<'_>, message: RStr<'_>);
}

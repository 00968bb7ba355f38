//! How a plugin ended the host, for people.

use std::{borrow::Cow, fmt};

use session_plugin_api::Timestamp;

use super::{
    slot::{Exit, Left, Stage},
    work::{LeftAttempt, LeftWork, Plugin},
};
use crate::clock::text_of;

/// A plugin that ended an earlier process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crash {
    /// The plugin.
    pub plugin: Plugin,
    /// Which part of it ran.
    pub stage: Stage,
    /// The attempt, if it made one.
    pub attempt: Option<LeftAttempt>,
    /// How it ended the process.
    pub ending: Ending,
    /// When.
    pub at: Timestamp,
}

/// How a plugin ended the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By a signal.
    Signal(i32),
    /// By more recursion than the stack has room for.
    StackOverflow,
    /// By `exit`.
    Exit,
    /// By `quick_exit`.
    QuickExit,
}

impl Ending {
    /// How a slot says that its thread ended the process; `None` if the thread did not.
    pub(super) fn of(left: &Left) -> Option<Self> {
        match (left.exit, left.signals) {
            // The handler of the standard library finds the overflow, and aborts.
            (_, [libc::SIGSEGV | libc::SIGBUS, libc::SIGABRT]) => Some(Self::StackOverflow),
            (_, [signal, _]) if signal != 0 => Some(Self::Signal(signal)),
            (exit, _) => exit.map(Self::from),
        }
    }
}

impl From<Exit> for Ending {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Exit => Self::Exit,
            Exit::QuickExit => Self::QuickExit,
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(signal) => formatter.write_str(&signal_name(*signal)),
            Self::StackOverflow => formatter.write_str("a stack overflow"),
            Self::Exit => formatter.write_str("a call of `exit`"),
            Self::QuickExit => formatter.write_str("a call of `quick_exit`"),
        }
    }
}

/// The name of a signal.
pub(super) fn signal_name(signal: i32) -> Cow<'static, str> {
    Cow::Borrowed(match signal {
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGBUS => "SIGBUS",
        libc::SIGILL => "SIGILL",
        libc::SIGFPE => "SIGFPE",
        libc::SIGABRT => "SIGABRT",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGSYS => "SIGSYS",
        other => return Cow::Owned(format!("signal {other}")),
    })
}

impl Stage {
    /// The part of the plugin, as the subject of a sentence.
    fn subject(self) -> &'static str {
        match self {
            Self::Opening => "a constructor of its library",
            Self::Constructor => "its constructor",
            Self::Descriptor => "its descriptor",
            Self::Configure => "its `configure`",
            Self::ReferenceRows => "its `reference_rows`",
            Self::Attempt => "an attempt",
            Self::Drop => "its `Drop`",
        }
    }
}

impl Crash {
    /// The crash of which a slot tells; `None` if it tells of none.
    pub(super) fn of(left: &Left, work: LeftWork) -> Option<Self> {
        Some(Self {
            plugin: work.plugin,
            stage: left.stage,
            attempt: work.attempt,
            ending: Ending::of(left)?,
            at: Timestamp::from_micros(left.ended_at),
        })
    }

    /// What happened, in one line that names no session.
    #[must_use]
    pub fn reason(&self) -> String {
        let (subject, at) = (self.stage.subject(), text_of(self.at));
        format!("{subject} ended the host with {} at {at}", self.ending)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::slot::Usage, *};

    fn left(signals: [i32; 2], exit: Option<Exit>) -> Left {
        Left {
            usage: Usage::InUse,
            stage: Stage::Attempt,
            signals,
            exit,
            since: 0,
            ended_at: 0,
            text: Vec::new(),
        }
    }

    #[test]
    fn an_abort_after_a_fault_is_an_overflow_of_the_stack() {
        let ending = |signals, exit| Ending::of(&left(signals, exit));
        assert_eq!(ending([0, 0], None), None);
        assert_eq!(ending([libc::SIGSEGV, 0], None), Some(Ending::Signal(libc::SIGSEGV)));
        assert_eq!(
            ending([libc::SIGSEGV, libc::SIGABRT], None),
            Some(Ending::StackOverflow)
        );
        assert_eq!(ending([0, 0], Some(Exit::QuickExit)), Some(Ending::QuickExit));
    }
}

//! Determines how a session ended.

/// The ending, according to the last line that affects it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The model answered, and called no tool.
    Answer,
    /// A call or a request failed, and nothing followed.
    Error,
    /// A person stopped the agent.
    Interrupted,
    /// Something awaits an answer: a prompt, a call or a call's result.
    Open,
}

impl Ending {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Error => "error",
            Self::Interrupted => "interrupted",
            Self::Open => "open",
        }
    }
}

/// The current endings of the conversation, and of subagents whose lines are in the same file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Endings {
    own: Option<Ending>,
    of_subagents: Option<Ending>,
}

impl Endings {
    pub(crate) fn set(&mut self, is_sidechain: bool, ending: Ending) {
        match is_sidechain {
            true => self.of_subagents = Some(ending),
            false => self.own = Some(ending),
        }
    }

    /// How the session ended. If the file has only lines of a subagent, the subagent's ending counts.
    pub(crate) fn of_session(self) -> Ending {
        self.own.or(self.of_subagents).unwrap_or(Ending::Open)
    }
}

//! How a session ended.

/// What the last line that tells anything tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The model answered, and called no tool.
    Answer,
    /// A call or a request failed, and nothing came after it.
    Error,
    /// A person stopped the agent.
    Interrupted,
    /// Something is yet to be answered: a prompt, a call or its result.
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

/// How the conversation stands, and those of subagents whose lines stand between its own.
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

    /// How the session ended. A file that holds a subagent alone ends as the subagent does.
    pub(crate) fn of_session(self) -> Ending {
        self.own.or(self.of_subagents).unwrap_or(Ending::Open)
    }
}

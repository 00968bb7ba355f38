//! Which sessions of the list somebody asks for.

/// Which sessions are listed, as people write it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskedSessions {
    /// The user that they are recorded for, or whose folder they lie in.
    pub user: Option<String>,
    /// What their keys contain, in capitals or not.
    pub text: Option<String>,
    /// The first day on which they were last written, or a time.
    pub since: Option<String>,
    /// The last such day, or a time before which they were.
    pub until: Option<String>,
    /// Which of them, as to failures.
    pub standing: SessionStanding,
    /// The names of columns, each with the number that it reaches or the text that it contains.
    pub figures: Vec<(String, String)>,
    /// `changed`, `attempted`, or the name of a column.
    pub sort: Option<String>,
    /// The session after which the page begins.
    pub after: Option<SessionPlace>,
}

/// Which sessions, as to failures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionStanding {
    /// All.
    #[default]
    Any,
    /// Those of which the last attempt of a processor failed.
    Failing,
}

/// The place of a session in a sorted list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPlace {
    /// The value by which the list is sorted.
    pub value: String,
    /// The key of the session.
    pub key: String,
}

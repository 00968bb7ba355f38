//! The answer to a search, as the command line prints it and HTTP sends it.

use serde::{Deserialize, Serialize};

use super::excerpt::Excerpt;

/// The answer to a search.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SearchAnswer {
    /// The processor whose texts were searched.
    pub processor: String,
    /// The newest first.
    pub hits: Vec<Hit>,
    /// Where the next answer begins, if there are older hits: the value of `before`.
    pub older: Option<String>,
    /// What people should know about the answer.
    pub warnings: Vec<String>,
}

/// A text in which all words were found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hit {
    /// The session's key.
    pub session: String,
    /// The user.
    pub username: Option<String>,
    /// The project.
    pub project: Option<String>,
    /// When the text was written, UTC.
    pub time: String,
    /// The line of the transcript, from 1.
    pub line: i64,
    /// The number of the text in its session.
    pub part: i64,
    /// What the text is, such as `prompt`.
    pub kind: String,
    /// The tool that wrote or got the text.
    pub tool: Option<String>,
    /// The parts of the text around the words.
    pub excerpt: Excerpt,
}

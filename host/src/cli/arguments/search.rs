//! The arguments of `session-host search`.

use clap::Args;

use crate::search::AskedSearch;

#[derive(Debug, Args)]
pub(in crate::cli) struct SearchOptions {
    /// Words that a text must all have, in upper or lower case, and phrases in double quotes
    #[arg(required = true, value_name = "WORD")]
    words: Vec<String>,
    /// Take the words as one regular expression
    #[arg(long)]
    regex: bool,
    /// Only sessions of this user [default: every user]
    #[arg(long)]
    user: Option<String>,
    /// Only sessions of this project, the last folder of the directory in which they began [default: all]
    #[arg(long, allow_hyphen_values = true)]
    project: Option<String>,
    /// The first day, in the time zone of the settings, or a time [default: the beginning]
    #[arg(long, value_name = "DATE")]
    since: Option<String>,
    /// The last day, in the time zone of the settings, or a time before which the texts were written [default: now]
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// The maximum number of hits, at most 1000
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// Only hits older than this place; the last line of an answer has it [default: all]
    #[arg(long, value_name = "PLACE")]
    before: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

impl SearchOptions {
    /// What is searched for.
    pub(in crate::cli) fn asked(&self) -> AskedSearch {
        AskedSearch {
            words: self.words.join(" "),
            regex: self.regex,
            username: self.user.clone(),
            project: self.project.clone(),
            since: self.since.clone(),
            until: self.until.clone(),
            limit: Some(self.limit),
            before: self.before.clone(),
        }
    }
}

//! Turns the failures of a session into rows.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
};

use session_plugin_api::{Session, transcript::is_unique_call_id};

use crate::{
    calls::{CallNumber, Calls},
    classes::Classes,
    observations::{Failure, Observations, Of},
    rows::{SessionError, SessionOutcome},
};

/// How many characters of an error's text are stored.
const KEPT_OF_MESSAGE: usize = 500;

/// How many bytes of it are searched for secrets. A secret that begins in the stored part may end far beyond it.
const SEARCHED_OF_MESSAGE: usize = 16 << 10;

/// How many bytes at the end of the searched part are never stored, because a secret that is cut off there may not be
/// recognised.
const MAY_BE_CUT_OFF: usize = 4 << 10;

/// All rows of a session.
#[derive(Debug)]
pub(crate) struct SessionErrors<'a> {
    pub(crate) errors: Vec<SessionError<'a>>,
    pub(crate) outcome: SessionOutcome<'a>,
}

impl<'a> SessionErrors<'a> {
    /// Reads a session; `redact` removes secrets from a text.
    pub(crate) fn of(session: &Session<'a>, classes: &'a Classes, redact: impl Fn(&str) -> Cow<'_, str>) -> Self {
        let seen = Observations::of(session, |error| classes.classify(error));
        let later = Later {
            successes: seen.calls.last_successes(),
            answers: seen.answers,
        };
        let session_id = seen.context.into_session_id();
        let row = |failure: Failure<'a>| SessionError {
            username: session.username(),
            session_id: session_id.clone(),
            is_retry: is_retry(&seen.calls, failure.of),
            recovered: later.recovered(&seen.calls, failure.of),
            tool_name: tool(&seen.calls, failure.of).cloned(),
            message: message(&failure.text, &redact),
            event_uuid: failure.event_uuid,
            is_unique_call: failure.tool_use_id.as_deref().is_some_and(is_unique_call_id),
            tool_use_id: failure.tool_use_id,
            line: count(failure.line),
            occurred_at: failure.occurred_at,
            class: failure.class,
        };
        let errors: Vec<SessionError<'a>> = seen.failures.into_iter().map(row).collect();
        let distinct: BTreeSet<&str> = errors.iter().map(|error| error.class).collect();
        let outcome = SessionOutcome {
            username: session.username(),
            ended_on: seen.endings.of_session().as_str(),
            error_count: count(errors.len()),
            distinct_classes: count(distinct.len()),
            longest_retry_run: count(seen.calls.longest_retry_run()),
        };
        Self { errors, outcome }
    }
}

/// The beginning of an error's text, without secrets.
fn message(text: &str, redact: impl Fn(&str) -> Cow<'_, str>) -> String {
    let searched = &text[..text.floor_char_boundary(SEARCHED_OF_MESSAGE)];
    let redacted = redact(searched);
    let whole = match searched.len() == text.len() {
        true => redacted.len(),
        false => redacted.len().saturating_sub(MAY_BE_CUT_OFF),
    };
    let whole = &redacted[..redacted.floor_char_boundary(whole)];
    whole.chars().take(KEPT_OF_MESSAGE).collect()
}

fn count(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

fn tool<'c, 'a>(calls: &'c Calls<'a>, of: Of) -> Option<&'c Cow<'a, str>> {
    match of {
        Of::Call(call) => calls.tool(call),
        Of::UnknownCall | Of::Model { .. } => None,
    }
}

fn is_retry(calls: &Calls<'_>, of: Of) -> bool {
    match of {
        Of::Call(call) => calls.is_retry(call),
        Of::UnknownCall => false,
        Of::Model { is_retry, .. } => is_retry,
    }
}

/// The successes of the session, to which each failure is compared.
struct Later<'c> {
    successes: HashMap<&'c str, CallNumber>,
    answers: u64,
}

impl Later<'_> {
    /// Whether the tool later succeeded, or the model later answered.
    fn recovered(&self, calls: &Calls<'_>, of: Of) -> bool {
        match of {
            Of::Call(call) => {
                let tool = calls.tool(call);
                tool.and_then(|tool| self.successes.get(tool.as_ref()))
                    .is_some_and(|success| *success > call)
            }
            Of::UnknownCall => false,
            Of::Model { answers, .. } => self.answers > answers,
        }
    }
}

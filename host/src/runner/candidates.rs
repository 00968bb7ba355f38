//! Chooses the sessions that a run attempts, and their order.
//!
//! A scan opens no transcript. So sizes and times alone decide here which sessions may have changed; the attempt then
//! compares hashes.

use std::{cmp::Reverse, collections::HashMap};

use session_plugin_api::Timestamp;

use super::retry_policy::{Retries, Turn};
use crate::{
    names::{FileHash, SessionKey},
    sessions::Transcript,
    state::{Before, EarlierVersion, FailingSession, Recorded, SessionState},
};

/// A session that a run examines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) transcript: Transcript,
    pub(super) reason: Reason,
    /// The version that was processed before, if there is one.
    pub(super) earlier: Option<EarlierVersion>,
}

/// Why a session is a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// It is new, or may have changed since the version of this hash.
    Changed {
        /// The hash of the version that was processed.
        recorded: Option<FileHash>,
    },
    /// An older version of the processor processed it, it is marked to be processed again, or it was recorded for another
    /// user.
    Outdated,
}

/// What candidates are chosen by, besides the sizes and times of their files.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChosenBy {
    /// The output version of the processor.
    pub(super) output_version: u32,
    /// Whose clocks the recorded times are from.
    pub(super) clocks: Clocks,
}

/// Whose clocks the times of files and checks are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clocks {
    /// One machine's.
    One,
    /// Those of several machines, and of the file system that they share. They may be apart.
    Several,
}

impl Clocks {
    /// How close a file's last change may be to its last check before a later change could go unnoticed, in microseconds.
    ///
    /// Some file systems keep times only to two seconds. A write within that time after the check may leave size and time
    /// unchanged. git calls such entries of its index "racily clean". Clocks of several machines may be further apart.
    fn tolerance(self) -> i64 {
        match self {
            Self::One => 2_000_000,
            Self::Several => 60_000_000,
        }
    }
}

/// Chooses the candidates among the transcripts and sorts them. Sessions that have not failed come first: changed ones
/// by their last change, oldest first, then outdated ones. Failed sessions follow, the least recently attempted first.
pub(super) fn choose(
    transcripts: Vec<Transcript>,
    states: &HashMap<SessionKey, SessionState>,
    failing: &HashMap<SessionKey, FailingSession>,
    chosen_by: ChosenBy,
) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = transcripts
        .into_iter()
        .filter_map(|transcript| {
            let state = states.get(&transcript.session);
            let reason = reason(&transcript, state, chosen_by)?;
            Some(Candidate {
                transcript,
                reason,
                earlier: state.map(SessionState::earlier),
            })
        })
        .collect();
    candidates.sort_by_cached_key(|candidate| {
        let transcript = &candidate.transcript;
        let failed = failing.get(&transcript.session).map(|failing| failing.last_failed_at);
        (
            failed,
            Reverse(candidate.is_changed()),
            transcript.modified,
            transcript.session.clone(),
        )
    });
    candidates
}

/// The sessions whose last attempt failed, but which the loaded output version has processed. This happens when a newer
/// version of the processor failed on them and was then rolled back. No run attempts them, so no run would remove their
/// failure rows.
pub(super) fn past_failures(
    transcripts: &[Transcript],
    states: &HashMap<SessionKey, SessionState>,
    failing: &HashMap<SessionKey, FailingSession>,
    chosen_by: ChosenBy,
) -> Vec<SessionKey> {
    transcripts
        .iter()
        .filter(|transcript| failing.contains_key(&transcript.session))
        .filter(|transcript| reason(transcript, states.get(&transcript.session), chosen_by).is_none())
        .map(|transcript| transcript.session.clone())
        .collect()
}

/// The candidates that are left out because they failed before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// How many wait for their backoff.
    pub(super) waiting: u64,
    /// How many are in quarantine.
    pub(super) quarantined: u64,
}

/// Leaves the candidates out whose turn it is not.
pub(super) fn leave_out(candidates: &mut Vec<Candidate>, retries: &Retries<'_>) -> LeftOut {
    let mut left_out = LeftOut::default();
    candidates.retain(|candidate| match retries.turn(&candidate.transcript) {
        Turn::Due => true,
        Turn::Waits => {
            left_out.waiting += 1;
            false
        }
        Turn::Quarantined => {
            left_out.quarantined += 1;
            false
        }
    });
    left_out
}

/// What the state holds of these candidates.
pub(super) fn before(
    candidates: &[Candidate],
    states: &HashMap<SessionKey, SessionState>,
    failing: &HashMap<SessionKey, FailingSession>,
) -> Before {
    let known = candidates.iter().filter_map(|candidate| {
        let session = &candidate.transcript.session;
        let recorded = match states.get(session) {
            Some(state) => Recorded::Version {
                hash: state.hash.clone(),
                output: state.output_version,
                processed_at: state.processed_at,
            },
            None if failing.contains_key(session) => Recorded::Nothing,
            None => return None,
        };
        Some((session.clone(), recorded))
    });
    Before::only(known.collect())
}

impl Candidate {
    /// The user for whom it was recorded, if that is no longer the user.
    pub(super) fn earlier_user(&self) -> Option<&str> {
        let earlier = self.earlier.as_ref()?;
        is_another(&earlier.username, &self.transcript).then_some(&*earlier.username)
    }

    fn is_changed(&self) -> bool {
        matches!(self.reason, Reason::Changed { .. })
    }
}

fn reason(transcript: &Transcript, state: Option<&SessionState>, chosen_by: ChosenBy) -> Option<Reason> {
    let Some(state) = state else {
        return Some(Reason::Changed { recorded: None });
    };
    if is_outdated(state, chosen_by.output_version) || is_another(&state.username, transcript) {
        return Some(match may_have_changed(transcript, state, chosen_by.clocks) {
            // A changed session is processed in any case, so its hash is not compared.
            true => Reason::Changed { recorded: None },
            false => Reason::Outdated,
        });
    }
    may_have_changed(transcript, state, chosen_by.clocks).then(|| Reason::Changed {
        recorded: state.hash.clone(),
    })
}

/// Whether the recorded user is another one than that of the transcript. Rows of older services have none.
fn is_another(recorded: &str, transcript: &Transcript) -> bool {
    !recorded.is_empty() && recorded != transcript.username
}

/// Whether an older version of the processor's output is recorded, or the session is marked to be processed again.
fn is_outdated(state: &SessionState, output_version: u32) -> bool {
    state.output_version.is_none_or(|recorded| recorded < output_version)
}

fn may_have_changed(transcript: &Transcript, state: &SessionState, clocks: Clocks) -> bool {
    let may_hide_a_change = state.checked.is_some_and(|checked| {
        let last_change = transcript.modified.max(transcript.changed);
        last_change.as_micros() >= checked.checked_at.as_micros() - clocks.tolerance()
    });
    has_changed(transcript, state) || may_hide_a_change
}

fn has_changed(transcript: &Transcript, state: &SessionState) -> bool {
    match state.checked {
        Some(checked) => transcript.size != checked.size || transcript.modified != checked.modified,
        None => transcript.modified >= state.processed_at,
    }
}

/// The sessions that a processor has yet to process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many sessions there are.
    pub sessions: u64,
    /// When the session that has waited longest was last written.
    pub oldest: Option<Timestamp>,
    /// How many of them failed, and wait for their next attempt.
    pub waiting: u64,
    /// How many sessions are in quarantine: they are none of them.
    pub quarantined: u64,
}

impl Backlog {
    /// This and that, of other sessions.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            sessions: self.sessions + other.sessions,
            oldest: self.oldest.into_iter().chain(other.oldest).min(),
            waiting: self.waiting + other.waiting,
            quarantined: self.quarantined + other.quarantined,
        }
    }
}

/// Counts the sessions that are new, have changed, were processed by an older output version, or were recorded for another
/// user.
///
/// A session that is only checked again because a change could have gone unnoticed does not count.
#[must_use]
pub fn backlog<'a>(
    transcripts: impl IntoIterator<Item = &'a Transcript>,
    states: &HashMap<SessionKey, SessionState>,
    output_version: u32,
    retries: &Retries<'_>,
) -> Backlog {
    let is_done = |transcript: &&Transcript| {
        states.get(&transcript.session).is_some_and(|state| {
            !is_outdated(state, output_version)
                && !has_changed(transcript, state)
                && !is_another(&state.username, transcript)
        })
    };
    let mut backlog = Backlog::default();
    for transcript in transcripts.into_iter().filter(|transcript| !is_done(transcript)) {
        match retries.turn(transcript) {
            Turn::Due => {}
            Turn::Waits => backlog.waiting += 1,
            Turn::Quarantined => {
                backlog.quarantined += 1;
                continue;
            }
        }
        backlog.sessions += 1;
        backlog.oldest = Some(
            backlog
                .oldest
                .map_or(transcript.modified, |oldest| oldest.min(transcript.modified)),
        );
    }
    backlog
}

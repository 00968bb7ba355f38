//! Assesses from observations whether processors keep up.

use std::time::Duration;

use session_plugin_api::Timestamp;

use super::warning::{Warning, WarningKind};

/// The observations about a processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The longest time between two moments at which it is due.
    pub cadence: Duration,
    /// The operator's bound on how long a session may wait; `None` for the default.
    pub stuck_file_grace: Option<Duration>,
    /// When the service began to observe it.
    pub observed_since: Timestamp,
    /// When its last run began.
    pub last_run: Option<Timestamp>,
    /// When the latest of its sessions was processed.
    pub last_processed: Option<Timestamp>,
    /// When a session was last processed or found unchanged, or when the last run began if it succeeded.
    pub last_checked: Option<Timestamp>,
    /// When the newest transcript was last written.
    pub newest_transcript: Option<Timestamp>,
    /// When the transcript that has waited longest was last written.
    pub oldest_unprocessed: Option<Timestamp>,
    /// Why its last run failed as a whole, if it did; set when health is read.
    pub failed_run: Option<String>,
    /// How many sessions failed in the latest runs, if none of these processed any session.
    pub all_failed: Option<u64>,
    /// How many sessions are in quarantine.
    pub quarantined: u64,
    /// Whether it is paused; set when health is read.
    pub paused: bool,
    /// Why it cannot run, if so.
    pub hindrance: Option<Hindrance>,
}

/// Why a processor cannot run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// It refuses its configuration.
    Unavailable {
        /// Why.
        reason: String,
    },
    /// Its code cannot be started.
    NotStarted {
        /// Why.
        reason: String,
    },
    /// It needs a configuration, and the operator has written none: nobody wants it to run.
    NotConfigured,
    /// An attempt does not return.
    Wedged {
        /// The session.
        session: String,
    },
}

/// The warnings of a processor at `now`; none if it keeps up, or if there are no transcripts. A paused processor is not
/// expected to keep up.
#[must_use]
pub fn assess(observed: &Observed, now: Timestamp) -> Vec<Warning> {
    if let Some(hindrance) = &observed.hindrance {
        return hindered(hindrance).into_iter().collect();
    }
    let keeps_up = match observed.paused {
        true => [None, None],
        false => [lagging(observed), stuck(observed, now)],
    };
    [failed(observed), failing(observed)]
        .into_iter()
        .chain(keeps_up)
        .chain([quarantined(observed)])
        .flatten()
        .collect()
}

fn hindered(hindrance: &Hindrance) -> Option<Warning> {
    let (kind, message) = match hindrance {
        Hindrance::NotConfigured => return None,
        Hindrance::Unavailable { reason } => (
            WarningKind::Unavailable,
            format!("the processor refuses its configuration: {reason}; correct it and restart"),
        ),
        Hindrance::NotStarted { reason } => (
            WarningKind::Unavailable,
            format!("the code of the processor cannot be started: {reason}; its next run and each reload try again"),
        ),
        Hindrance::Wedged { session } => (
            WarningKind::Wedged,
            format!(
                "the attempt at {session} does not return: if it never does, restart the service and report it to the plugin's author"
            ),
        ),
    };
    Some(Warning::new(kind, message))
}

/// Twice the cadence, so that one missed run causes no warning.
fn grace(observed: &Observed) -> Duration {
    observed.cadence.saturating_mul(2)
}

/// How many bytes of an error a warning quotes.
const TOLD_OF_AN_ERROR: usize = 500;

fn failed(observed: &Observed) -> Option<Warning> {
    let reason = observed.failed_run.as_deref()?.lines().next().unwrap_or_default();
    let reason = &reason[..reason.floor_char_boundary(TOLD_OF_AN_ERROR)];
    let message = format!("the last run failed: {reason}; fix the cause, and the next run catches up");
    Some(Warning::new(WarningKind::Failed, message))
}

fn failing(observed: &Observed) -> Option<Warning> {
    let sessions = observed.all_failed?;
    let message = format!(
        "every new session in the latest runs failed ({sessions}), and none was processed: see `session-host failures`; if the plugin changed, restore the earlier file"
    );
    Some(Warning::new(WarningKind::Failing, message))
}

fn lagging(observed: &Observed) -> Option<Warning> {
    let (newest, checked) = observed.newest_transcript.zip(observed.last_checked)?;
    let lag = distance(checked, newest);
    (lag > grace(observed)).then(|| {
        let message = format!(
            "the newest transcript was written {} after the last one was processed: `session-host runs` shows how the runs end",
            told(lag)
        );
        Warning::new(WarningKind::Lagging, message)
    })
}

fn stuck(observed: &Observed, now: Timestamp) -> Option<Warning> {
    let written = observed.oldest_unprocessed?;
    // A processor that has never run could not have processed it earlier.
    let waiting_since = match observed.last_run {
        Some(_) => written,
        None => written.max(observed.observed_since),
    };
    let allowed = observed
        .stuck_file_grace
        .unwrap_or_else(|| grace(observed).saturating_mul(4));
    let waited = distance(waiting_since, now);
    (waited > allowed).then(|| {
        let message = format!(
            "a transcript has waited for {} to be processed: see `session-host failures` for its error, and `session-host runs --json` for capped runs",
            told(waited)
        );
        Warning::new(WarningKind::Stuck, message)
    })
}

fn quarantined(observed: &Observed) -> Option<Warning> {
    let sessions = match observed.quarantined {
        0 => return None,
        1 => "1 session is in quarantine: it".to_owned(),
        sessions => format!("{sessions} sessions are in quarantine: they"),
    };
    let message = format!(
        "{sessions} failed max_attempts times, and no run attempts what failed so often; see `session-host failures --all`, correct the transcripts or the plugin, or call `session-host retry`"
    );
    Some(Warning::new(WarningKind::Quarantined, message))
}

fn distance(from: Timestamp, to: Timestamp) -> Duration {
    let micros = to.as_micros().saturating_sub(from.as_micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// A duration in a unit for people.
fn told(duration: Duration) -> String {
    let minutes = duration.as_secs() / 60;
    match minutes {
        0 => format!("{} s", duration.as_secs()),
        1..120 => format!("{minutes} min"),
        _ => format!("{} h", minutes / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * SECOND)
    }

    /// Due every 100 s: the grace is 200 s, and a session may wait for 800 s.
    fn keeps_up() -> Observed {
        Observed {
            cadence: Duration::from_secs(100),
            stuck_file_grace: None,
            observed_since: at(0),
            last_run: Some(at(1000)),
            last_processed: Some(at(1000)),
            last_checked: Some(at(1000)),
            newest_transcript: Some(at(1000)),
            oldest_unprocessed: None,
            failed_run: None,
            all_failed: None,
            quarantined: 0,
            paused: false,
            hindrance: None,
        }
    }

    fn kinds(observed: &Observed, now: Timestamp) -> Vec<WarningKind> {
        assess(observed, now).into_iter().map(|warning| warning.kind).collect()
    }

    #[test]
    fn a_processor_that_keeps_up_or_is_idle_has_no_warning() {
        assert_eq!(kinds(&keeps_up(), at(1_000_000)), []);
        let idle = Observed {
            last_run: None,
            last_processed: None,
            last_checked: None,
            newest_transcript: None,
            ..keeps_up()
        };
        assert_eq!(kinds(&idle, at(1_000_000)), []);
    }

    #[test]
    fn a_processor_that_is_more_than_the_grace_behind_lags() {
        let behind = |seconds: i64| Observed {
            newest_transcript: Some(at(1000 + seconds)),
            ..keeps_up()
        };
        assert_eq!(kinds(&behind(200), at(1300)), []);
        assert_eq!(kinds(&behind(201), at(1300)), [WarningKind::Lagging]);
    }

    #[test]
    fn a_session_that_waits_for_more_than_four_graces_is_stuck() {
        let waiting = Observed {
            oldest_unprocessed: Some(at(900)),
            ..keeps_up()
        };
        assert_eq!(kinds(&waiting, at(1700)), []);
        assert_eq!(kinds(&waiting, at(1701)), [WarningKind::Stuck]);
        let patient = Observed {
            stuck_file_grace: Some(Duration::from_secs(5000)),
            ..waiting
        };
        assert_eq!(kinds(&patient, at(1701)), []);
    }

    #[test]
    fn sessions_of_a_processor_that_never_ran_wait_since_the_start_of_the_service() {
        let fresh = Observed {
            observed_since: at(5000),
            last_run: None,
            last_processed: None,
            last_checked: None,
            newest_transcript: Some(at(10)),
            oldest_unprocessed: Some(at(10)),
            ..keeps_up()
        };
        assert_eq!(kinds(&fresh, at(5800)), []);
        assert_eq!(kinds(&fresh, at(5801)), [WarningKind::Stuck]);
    }

    #[test]
    fn a_hindrance_causes_one_warning_with_its_reason() {
        let unavailable = Observed {
            hindrance: Some(Hindrance::Unavailable {
                reason: "no model".to_owned(),
            }),
            oldest_unprocessed: Some(at(0)),
            ..keeps_up()
        };
        let warnings = assess(&unavailable, at(1_000_000));
        assert_eq!(warnings.len(), 1);
        assert_eq!(warnings[0].kind, WarningKind::Unavailable);
        assert!(warnings[0].message.contains("no model"));
    }

    #[test]
    fn a_failed_run_and_a_run_in_which_every_session_failed_cause_warnings() {
        let failed = Observed {
            failed_run: Some("the disk is full".to_owned()),
            ..keeps_up()
        };
        let warnings = assess(&failed, at(1000));
        assert_eq!(warnings[0].kind, WarningKind::Failed);
        assert!(warnings[0].message.contains("the disk is full"));
        let failing = Observed {
            all_failed: Some(9),
            ..keeps_up()
        };
        assert_eq!(kinds(&failing, at(1000)), [WarningKind::Failing]);
    }

    #[test]
    fn sessions_in_quarantine_cause_a_warning_that_counts_them() {
        for (quarantined, told) in [(1, "1 session is in quarantine"), (2, "2 sessions are in quarantine")] {
            let observed = Observed {
                quarantined,
                ..keeps_up()
            };
            let warnings = assess(&observed, at(1000));
            assert_eq!(warnings[0].kind, WarningKind::Quarantined);
            assert!(warnings[0].message.contains(told), "{}", warnings[0].message);
        }
    }

    #[test]
    fn a_paused_processor_need_not_keep_up() {
        let behind = Observed {
            oldest_unprocessed: Some(at(900)),
            newest_transcript: Some(at(5000)),
            failed_run: Some("the disk is full".to_owned()),
            quarantined: 1,
            ..keeps_up()
        };
        let expected = [
            WarningKind::Failed,
            WarningKind::Lagging,
            WarningKind::Stuck,
            WarningKind::Quarantined,
        ];
        assert_eq!(kinds(&behind, at(9000)), expected);
        let paused = Observed { paused: true, ..behind };
        assert_eq!(
            kinds(&paused, at(9000)),
            [WarningKind::Failed, WarningKind::Quarantined]
        );
    }

    #[test]
    fn a_long_error_is_truncated() {
        let failed = Observed {
            failed_run: Some("ä".repeat(10_000) + "\nand more"),
            ..keeps_up()
        };
        assert!(assess(&failed, at(1000))[0].message.len() < 700);
    }

    #[test]
    fn a_clock_set_back_causes_no_warning() {
        let waiting = Observed {
            oldest_unprocessed: Some(at(900)),
            ..keeps_up()
        };
        assert_eq!(kinds(&waiting, at(-5)), []);
    }

    #[test]
    fn durations_have_a_fitting_unit() {
        let seconds = [59, 60, 7199, 7200].map(Duration::from_secs);
        assert_eq!(seconds.map(told), ["59 s", "1 min", "119 min", "2 h"]);
    }
}

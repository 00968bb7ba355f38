//! The rules about calls: that they end when they should, leave nothing behind, and do not disturb each other.

use super::{Evidence, Verdict};
use crate::{
    amounts::grouped,
    cli::check::{beside::THREADS, endurance::Usage, passes::Trial, stopping::PATIENCE},
    runner::SessionError,
};

/// By how much the threads and the descriptors of a worker process may grow: a pool may start another one late.
const FEW: u64 = 16;

/// By how much its memory may grow, in bytes: allocators keep some.
const SOME_MEMORY: u64 = 8 << 20;

pub(super) fn stops(evidence: &Evidence<'_>) -> Verdict {
    evidence.of_pass(
        |behaviour| behaviour.stopping.as_ref(),
        |_, stopping| {
            let seconds = PATIENCE.as_secs();
            let panics = stopping.panics.iter().map(|(session, panic)| {
                format!("{session} panics when it is cancelled: {panic}; return `Error::not_now` instead")
            });
            let mut failed: Vec<String> = panics.collect();
            let failures = stopping.failures.iter().map(|(session, error)| {
                format!("{session} fails when it is cancelled: {error}; return `Error::not_now`, so that the session waits for the next run without a failure")
            });
            let mut hints: Vec<String> = failures.collect();
            match &stopping.late {
                Some(session) if stopping.was_told => failed.push(format!(
                    "{session} still runs {seconds} s after `Session::cancelled` was true: return `Error::not_now` then"
                )),
                Some(session) => hints.push(format!(
                    "{session} runs longer than {seconds} s, and never asks `Session::cancelled`: each stop of the service waits for such attempts"
                )),
                None => {}
            }
            match (failed.is_empty(), hints.is_empty()) {
                (false, _) => Verdict::Failed(failed),
                (true, false) => Verdict::Hint(hints),
                (true, true) => Verdict::Passed,
            }
        },
    )
}

pub(super) fn leaks_nothing(evidence: &Evidence<'_>) -> Verdict {
    evidence.of_pass(
        |behaviour| behaviour.endurance.as_ref(),
        |_, endurance| {
            let endurance = match endurance {
                Trial::NotTried(why) => return Verdict::not_tried(why.as_str()),
                Trial::Tried(endurance) => endurance,
            };
            let used = endurance.used.iter();
            let mut reasons: Vec<String> = used
                .flat_map(|(before, after)| growth(before, after, endurance.sessions))
                .collect();
            if endurance.sessions == 0 {
                return Verdict::not_tried("no session can be processed again and again");
            }
            if let Some(SessionError { session, error }) = &endurance.failed {
                let sessions = grouped(endurance.sessions);
                reasons.push(format!(
                    "after {sessions} sessions, {session} fails for the first time: {error}"
                ));
            }
            match endurance.used {
                None if reasons.is_empty() && cfg!(target_os = "linux") => {
                    Verdict::not_tried("a worker process did not make all attempts: the plugin ended it")
                }
                None if reasons.is_empty() => Verdict::not_tried("this system has no /proc to read the figures from"),
                _ => Verdict::failed_if(reasons),
            }
        },
    )
}

fn growth(before: &Usage, after: &Usage, sessions: u64) -> Vec<String> {
    let mebibytes = |bytes: u64| format!("{} MiB", grouped(bytes >> 20));
    let counted = [
        ("threads", before.threads, after.threads, "join what it starts"),
        (
            "open descriptors",
            before.descriptors,
            after.descriptors,
            "close what it opens",
        ),
    ];
    let counted = counted
        .into_iter()
        .filter(|(_, before, after, _)| after.saturating_sub(*before) > FEW);
    let mut grown: Vec<String> = counted
        .map(|(what, before, after, remedy)| {
            format!(
                "{what} {} -> {} over {} sessions: let `process_session` {remedy}",
                grouped(before),
                grouped(after),
                grouped(sessions)
            )
        })
        .collect();
    if after.memory.saturating_sub(before.memory) > SOME_MEMORY {
        grown.push(format!(
            "memory {} -> {} over {} sessions: bound what the processor keeps of earlier sessions",
            mebibytes(before.memory),
            mebibytes(after.memory),
            grouped(sessions)
        ));
    }
    grown
}

pub(super) fn concurrent(evidence: &Evidence<'_>) -> Verdict {
    evidence.of_pass(
        |behaviour| behaviour.beside.as_ref(),
        |_, beside| {
            let beside = match beside {
                Trial::NotTried(why) => return Verdict::not_tried(why.as_str()),
                Trial::Tried(beside) => beside,
            };
            let remedy = "share nothing between calls without a lock, or declare the processor `serial`";
            let ended = beside.ended.iter().map(|ended| format!("{ended}: {remedy}"));
            // One tells of all: they share what they disturb each other in.
            let failed = beside.failed.iter().take(1).map(|SessionError { session, error }| {
                let sessions = beside.failed.len();
                format!("{sessions} sessions fail when {THREADS} threads call the processor, such as {session}: {error}; {remedy}")
            });
            let differing = beside.differing_tables.iter().map(|table| {
                format!("{table} differs when {THREADS} threads call the processor at the same time: {remedy}")
            });
            Verdict::failed_if(ended.chain(failed).chain(differing).collect())
        },
    )
}

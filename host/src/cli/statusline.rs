//! `session-host statusline`: one line for the status bar of an agent, or for a shell prompt.
//!
//! It opens no state and loads no plugin, because a status bar asks every few seconds.

use std::{
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Map, Value};

use super::{Exit, output};
use crate::{
    amounts::dollars,
    config::Settings,
    summary::{OpenBlock, Summary},
    zone::Zone,
};

/// An agent's description of its session is shorter than this, in bytes.
const LONGEST: usize = 1 << 20;

/// How long the command waits for an agent that keeps standard input open.
const PATIENCE: Duration = Duration::from_millis(200);

/// What a coding agent says about its session on standard input. Every part may be missing, or be something else.
#[derive(Debug, Default)]
struct AgentSession(Map<String, Value>);

impl AgentSession {
    fn part(&self, object: &str, key: &str) -> Option<&Value> {
        self.0.get(object)?.get(key)
    }

    fn model(&self) -> Option<String> {
        let name = ["display_name", "id"]
            .into_iter()
            .find_map(|key| self.part("model", key)?.as_str());
        name.map(str::to_owned)
    }

    fn cost_usd(&self) -> Option<f64> {
        self.part("cost", "total_cost_usd")?.as_f64()
    }

    /// The share of the context that is used, from 0 to 100.
    fn context(&self) -> Option<f64> {
        self.part("context_window", "used_percentage")?.as_f64()
    }
}

/// Prints the line.
pub(super) fn statusline(settings: &Settings) -> anyhow::Result<Exit> {
    let summary = Summary::read(&settings.data)?;
    let session = agent_session();
    output::print(line(&session, summary.as_ref(), Timestamp::now(), &settings.timezone))?;
    Ok(Exit::Done)
}

/// What the agent says; nothing if a person calls. What cannot be read is told on stderr, which a status bar does not show.
fn agent_session() -> AgentSession {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return AgentSession::default();
    }
    match read_patiently(&stdin)
        .map_err(serde_json::Error::io)
        .and_then(|text| parsed(&text))
    {
        Ok(session) => session,
        Err(error) => {
            tracing::warn!("cannot read the agent's JSON on standard input, so the line lacks the session: {error}");
            AgentSession::default()
        }
    }
}

/// Reads to the end, or until nothing more comes in time.
fn read_patiently(stdin: &io::Stdin) -> io::Result<Vec<u8>> {
    let until = Instant::now() + PATIENCE;
    let (mut text, mut part) = (Vec::new(), [0; 1 << 16]);
    while text.len() < LONGEST {
        let left = until.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        if poll(&mut [PollFd::new(stdin, PollFlags::IN)], Some(&left))? == 0 {
            break;
        }
        match rustix::io::read(stdin, &mut part)? {
            0 => break,
            length => text.extend_from_slice(&part[..length]),
        }
    }
    Ok(text)
}

fn parsed(text: &[u8]) -> serde_json::Result<AgentSession> {
    match text.trim_ascii() {
        [] => Ok(AgentSession::default()),
        text => serde_json::from_slice(text).map(AgentSession),
    }
}

fn line(session: &AgentSession, summary: Option<&Summary>, now: Timestamp, zone: &Zone) -> String {
    let of_session = [
        session.model(),
        session.cost_usd().map(|cost| format!("session {}", dollars(cost, 2))),
        session.context().map(|used| format!("context {used:.0} %")),
    ];
    let of_summary = match summary {
        Some(summary) => figures(summary, now, zone),
        None => vec!["no figures yet: run session-host".to_owned()],
    };
    let parts: Vec<String> = of_session.into_iter().flatten().chain(of_summary).collect();
    parts.join(" | ")
}

fn figures(summary: &Summary, now: Timestamp, zone: &Zone) -> Vec<String> {
    let local = |time: Timestamp| time.to_zoned_datetime(zone.rules().clone());
    let written = summary.written_at.parse().map(local);
    let today = local(now).date();
    let is_of_today = summary.day == today.to_string();
    let cost = match is_of_today {
        true => format!("today {}", dollars(summary.day_cost_usd, 2)),
        false => "today not counted yet".to_owned(),
    };
    let block = summary.block.as_ref().and_then(|block| told_block(block, now));
    let as_of = written.ok().map(|written| match written.date() == today {
        true => format!("as of {}", written.strftime("%H:%M")),
        false => format!("as of {}", written.strftime("%Y-%m-%d %H:%M")),
    });
    [Some(cost), block, as_of].into_iter().flatten().collect()
}

/// The block, unless it has ended.
fn told_block(block: &OpenBlock, now: Timestamp) -> Option<String> {
    let ends: Timestamp = block.ends_at.parse().ok()?;
    let left = ends.duration_since(now);
    (left > SignedDuration::ZERO).then(|| {
        let (hours, minutes) = (left.as_hours(), left.as_mins() % 60);
        format!("block {}, {hours}:{minutes:02} h left", dollars(block.cost_usd, 2))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGENT: &str = r#"{"hook_event_name": "Status", "session_id": "s", "model": {"id": "claude-opus-4-6",
        "display_name": "Opus"}, "cost": {"total_cost_usd": 0.4249, "total_duration_ms": 45000},
        "context_window": {"used_percentage": 41.6}}"#;

    fn summary() -> Summary {
        Summary {
            written_at: "2026-11-29T13:05:00Z".to_owned(),
            day: "2026-11-29".to_owned(),
            day_cost_usd: 1234.5,
            block: Some(OpenBlock {
                ends_at: "2026-11-29T17:00:00Z".to_owned(),
                cost_usd: 3.1,
            }),
        }
    }

    fn told(session: &str, summary: Option<&Summary>, now: &str) -> String {
        let zone: Zone = "Europe/Prague".parse().unwrap();
        line(
            &parsed(session.as_bytes()).unwrap(),
            summary,
            now.parse().unwrap(),
            &zone,
        )
    }

    #[test]
    fn the_line_tells_session_day_and_block() {
        assert_eq!(
            told(AGENT, Some(&summary()), "2026-11-29T14:46:00Z"),
            "Opus | session $0.42 | context 42 % | today $1,234.50 | block $3.10, 2:14 h left | as of 14:05"
        );
    }

    #[test]
    fn what_is_missing_or_over_is_left_out() {
        assert_eq!(
            told("", None, "2026-11-29T14:46:00Z"),
            "no figures yet: run session-host"
        );
        assert_eq!(
            told(r#"{"model": {"id": "m"}}"#, Some(&summary()), "2026-11-29T17:00:00Z"),
            "m | today $1,234.50 | as of 14:05"
        );
        assert_eq!(
            told("{}", Some(&summary()), "2026-11-29T23:30:00Z"),
            "today not counted yet | as of 2026-11-29 14:05"
        );
    }

    #[test]
    fn what_is_no_description_is_an_error() {
        assert!(
            ["not JSON", "[]"]
                .into_iter()
                .all(|text| parsed(text.as_bytes()).is_err())
        );
    }

    #[test]
    fn an_odd_part_costs_only_itself() {
        let odd = r#"{"model": "opus", "cost": {"total_cost_usd": 0.5}, "context_window": null}"#;
        assert_eq!(
            told(odd, None, "2026-11-29T14:46:00Z"),
            "session $0.50 | no figures yet: run session-host"
        );
    }
}

//! The runs of the last day: a timeline, and the latest ones as a table.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use crate::{
    http::answer::Refusal,
    state::AuditEntry,
    web::{
        parts::outcome,
        runs::{processor_of, runs_table},
        state::Web,
        texts::{Clock, milliseconds, moment},
    },
};

/// How many runs are drawn.
const DRAWN: u32 = 1000;

/// How many runs are in the table.
const LISTED: usize = 12;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The timeline and the table.
pub(super) async fn part(web: &Web) -> Result<Markup, Refusal> {
    let runs = web.read(|reader| Ok(reader.runs(DRAWN)?)).await?;
    let clock = web.clock();
    let now = Timestamp::now();
    let recent: Vec<&AuditEntry> = runs.iter().filter(|run| place(run, now).is_some()).collect();
    Ok(html! {
        section.card aria-labelledby="runs" {
            h2 #runs { "Runs of the last day" }
            @if recent.is_empty() {
                p.soft { "No run." }
            } @else {
                div.scroll tabindex="0" { (timeline(&recent, now, &clock)) }
                (runs_table(recent.into_iter().take(LISTED), &clock))
            }
        }
    })
}

/// How far a run began after the beginning of the last day, as a share of it.
fn place(run: &AuditEntry, now: Timestamp) -> Option<f64> {
    let began = moment(&run.timestamp)?;
    let after = began.duration_since(now - DAY);
    (!after.is_negative() && after <= DAY).then(|| after.as_secs_f64() / DAY.as_secs_f64())
}

/// The measures of the drawing.
const LEFT: f64 = 120.0;
const WIDTH: f64 = 860.0;
const LANE: f64 = 24.0;
const TOP: f64 = 22.0;

/// A lane for each processor, with a mark for each run.
fn timeline(runs: &[&AuditEntry], now: Timestamp, clock: &Clock) -> Markup {
    let mut lanes: BTreeMap<&str, Vec<&AuditEntry>> = BTreeMap::new();
    for run in runs {
        lanes.entry(processor_of(run)).or_default().push(run);
    }
    let height = TOP + LANE * lanes.len() as f64;
    let hours = (0..=8).map(|step| {
        (
            f64::from(step) / 8.0,
            now - DAY + SignedDuration::from_hours(i64::from(step) * 3),
        )
    });
    html! {
        svg.timeline viewBox=(format!("0 0 {} {height}", LEFT + WIDTH + 20.0)) role="img" aria-label="Runs of the last day" {
            @for (share, time) in hours {
                @let x = LEFT + share * WIDTH;
                line.grid-line x1=(x) y1=(TOP - 6.0) x2=(x) y2=(height) {}
                text x=(x) y="12" text-anchor="middle" { (clock.hour(time)) }
            }
            @for (lane, (processor, runs)) in lanes.iter().enumerate() {
                @let y = TOP + LANE * lane as f64;
                text x=(LEFT - 8.0) y=(y + 16.0) text-anchor="end" { (short(processor)) }
                @for run in runs {
                    @if let Some(share) = place(run, now) {
                        rect class=(run.result) x=(format!("{:.1}", LEFT + share * WIDTH)) y=(y + 4.0) rx="1.5"
                            width=(format!("{:.1}", width(run))) height=(LANE - 8.0) {
                            title { (processor) ", " (run.timestamp) ", " (milliseconds(run.duration_ms)) ", " (run.result) }
                        }
                    }
                }
            }
        }
        p.soft { (outcome("ok")) " " (outcome("errors")) " " (outcome("failed")) }
    }
}

/// The width of a mark: the run's share of the day, but enough to be seen.
fn width(run: &AuditEntry) -> f64 {
    (run.duration_ms as f64 / DAY.as_millis() as f64 * WIDTH).clamp(3.0, WIDTH)
}

fn short(processor: &str) -> String {
    const LONGEST: usize = 16;
    match processor.chars().count() > LONGEST {
        true => processor.chars().take(LONGEST - 1).chain(['…']).collect(),
        false => processor.to_owned(),
    }
}

//! The line above the table: the title, and what was asked for.

use jiff::{Timestamp, ToSpan, tz::TimeZone};

use crate::{cli::output::Shown, reports::ReportResult};

/// The title and the choice, such as `Cost per day (Europe/Prague, 2026-11-01 to 2026-11-30, user alice)`.
pub(super) fn of(result: &ReportResult) -> String {
    let zone = result.zone();
    let begins = result.since.as_deref().map(|since| beginning(since, &zone));
    let ends = result.until.as_deref().map(|until| end(until, &zone));
    let span = match (begins, ends) {
        (Some(begins), Some(ends)) if begins == ends => Some(begins),
        (Some(begins), Some(ends)) => Some(format!("{begins} to {ends}")),
        (Some(begins), None) => Some(format!("since {begins}")),
        (None, Some(ends)) => Some(format!("until {ends}")),
        (None, None) => None,
    };
    let user = result.username.as_ref().map(|user| format!("user {user}"));
    let project = result.project.as_ref().map(|project| format!("project {project}"));
    let as_of = result.as_of.as_ref().map(|as_of| format!("as of {as_of}"));
    let choice: Vec<String> = [Some(result.timezone.clone()), span, user, project, as_of]
        .into_iter()
        .flatten()
        .collect();
    format!("{} ({})", result.title, choice.join(", ")).shown()
}

/// The day that begins at this time, or the time itself.
fn beginning(text: &str, zone: &TimeZone) -> String {
    day(text, zone, 0).unwrap_or_else(|| text.to_owned())
}

/// The day that ends at this time, or the time itself.
fn end(text: &str, zone: &TimeZone) -> String {
    day(text, zone, 1).unwrap_or_else(|| text.to_owned())
}

/// The day that begins at this time, or so many days earlier; `None` if none begins then.
fn day(text: &str, zone: &TimeZone, days_earlier: i64) -> Option<String> {
    let time: Timestamp = text.parse().ok()?;
    let local = time.to_zoned_datetime(zone.clone());
    let begins = local.start_of_day().ok()?;
    let day = begins.date().checked_sub(days_earlier.days()).ok()?;
    (begins.timestamp() == time).then(|| day.to_string())
}

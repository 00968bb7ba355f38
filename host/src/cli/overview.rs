//! What a run over this user's own transcripts prints in the place of the table: itself in one line, and the reports that
//! people look at first.

use std::{collections::BTreeMap, sync::OnceLock, thread};

use super::{output, report::print_rows};
use crate::{
    amounts::{counted, grouped},
    config::Settings,
    host::Host,
    names::ProcessorName,
    reports::{self, AskedReport, Question, ReportError, ReportResult},
    runner::RunResult,
    sessions::SessionsDirectory,
    state::QueryLimits,
};

/// The days that the reports are about, as `--last` takes them and in words.
const LAST: (&str, &str) = ("7d", "the last 7 days");

/// Prints what the runs did, in one line.
pub(super) fn print_summary(results: &[&RunResult]) -> anyhow::Result<()> {
    Ok(output::print(summary(results))?)
}

/// Prints the reports that people look at first. One that cannot be run is logged, and changes no exit status.
pub(super) fn print_reports(host: &Host, results: &[&RunResult]) -> anyhow::Result<()> {
    if let Some(nothing) = nothing_to_show(host, results)? {
        return Ok(output::print(nothing)?);
    }
    let answers = answers(host)?;
    if !answers.is_empty() && answers.iter().all(|answer| answer.rows.is_empty()) {
        output::print_block("")?;
        output::print(format!("nothing happened in {}; for earlier days:", LAST.1))?;
        let more = |answer: &ReportResult| output::print(format!("session-host report {}", answer.report));
        return Ok(answers.iter().try_for_each(more)?);
    }
    for answer in &answers {
        output::print_block("")?;
        match answer.rows.is_empty() {
            true => output::print(format!("{}: nothing in {}", answer.title, LAST.1))?,
            false => print_rows(answer)?,
        }
        output::print(format!("more: session-host report {}", answer.report))?;
    }
    Ok(())
}

/// The warnings of each processor. They are the same for all of its reports, so one of them asks.
type Warnings<'a> = BTreeMap<&'a ProcessorName, OnceLock<Vec<String>>>;

/// The answers to the reports of the overview. They are asked for side by side, each on a connection of its own.
fn answers(host: &Host) -> anyhow::Result<Vec<ReportResult>> {
    let catalogue = host.catalogue();
    let asked = AskedReport {
        last: Some(LAST.0.to_owned()),
        ..AskedReport::default()
    };
    let warnings = catalogue
        .processors()
        .map(|processor| (processor.name(), OnceLock::new()));
    let warnings: Warnings<'_> = warnings.collect();
    let answer = |name: &str| -> anyhow::Result<Option<ReportResult>> {
        let reader = host.state().reader()?;
        let question = Question::of(&catalogue, host.settings(), &reader, name, &asked, QueryLimits::NONE);
        let answer = question.and_then(|question| answer(&question, &warnings));
        let answer = answer.inspect_err(|error| tracing::warn!("the overview lacks the report {name}: {error}"));
        Ok(answer.ok())
    };
    let names = reports::overview(&catalogue);
    thread::scope(|scope| {
        let asking: Vec<_> = names.iter().map(|name| scope.spawn(|| answer(name))).collect();
        let answers = asking.into_iter().map(|asked| match asked.join() {
            Ok(answer) => answer.transpose(),
            Err(panic) => std::panic::resume_unwind(panic),
        });
        answers.flatten().collect()
    })
}

/// The answer to a report. One without rows is not drawn, so nobody asks what to know about its numbers.
fn answer(question: &Question<'_>, warnings: &Warnings<'_>) -> Result<ReportResult, ReportError> {
    let mut answer = question.figures()?;
    if !answer.rows.is_empty()
        && let Some(known) = warnings.get(question.processor())
    {
        answer.warnings.clone_from(known.get_or_init(|| question.warnings()));
    }
    Ok(answer)
}

fn summary(results: &[&RunResult]) -> String {
    let sum = |count: fn(&RunResult) -> u64| results.iter().map(|result| count(result)).sum::<u64>();
    let seconds = sum(|result| result.duration_ms) as f64 / 1000.0;
    // Each processor processes each session.
    let most = results.iter().map(|result| result.processed).max().unwrap_or(0);
    let mut line = match most {
        0 => format!("found no new or changed session in {seconds:.1} s"),
        1 => format!("processed 1 new or changed session in {seconds:.1} s"),
        most => format!("processed {} new or changed sessions in {seconds:.1} s", grouped(most)),
    };
    let (errors, capped) = (sum(|result| result.errors), sum(|result| result.capped));
    if errors > 0 {
        line += &format!(
            "; {} failed: `session-host failures` says why",
            counted(errors, "attempt")
        );
    }
    if capped > 0 {
        line += &format!("; {} left for the next run", counted(capped, "attempt"));
    }
    line
}

/// What to say if there is no transcript at all.
fn nothing_to_show(host: &Host, results: &[&RunResult]) -> anyhow::Result<Option<String>> {
    if results.iter().any(|result| result.scanned > 0) || !host.scanner().scan()?.transcripts.is_empty() {
        return Ok(None);
    }
    let looked_at = looked_at(host.settings());
    Ok(Some(format!(
        "there is no transcript yet: the host looked for {looked_at}; use your coding agent, then run session-host again, or name another directory with --sessions"
    )))
}

fn looked_at(settings: &Settings) -> String {
    match &settings.sessions {
        SessionsDirectory::Configured(folder) => folder.display().to_string(),
        SessionsDirectory::Discovered(discovery) => discovery.looked_at(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(processed: u64, errors: u64, capped: u64) -> RunResult {
        RunResult {
            processed,
            errors,
            capped,
            duration_ms: 1_250,
            ..RunResult::default()
        }
    }

    #[test]
    fn the_runs_are_told_in_one_line() {
        let (usage, errors) = (result(1_200, 0, 0), result(1_198, 2, 3));
        assert_eq!(
            summary(&[&usage, &errors]),
            "processed 1,200 new or changed sessions in 2.5 s; 2 attempts failed: `session-host failures` says why; 3 attempts left for the next run"
        );
        assert_eq!(summary(&[&result(0, 0, 0)]), "found no new or changed session in 1.2 s");
    }
}

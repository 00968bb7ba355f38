//! `session-host search`, here or through the server that holds the state.

use std::iter;

use jiff::{Timestamp, tz::TimeZone};

use super::{
    Exit,
    arguments::SearchOptions,
    inspect_state::reader,
    output::{self, Shown},
    processors::look_for_report,
    report_table::Style,
    server::{Access, target},
};
use crate::{
    config::Settings,
    plugins::PluginTrust,
    search::{self, AskedSearch, Excerpt, Hit, SearchAnswer},
};

const BOLD: anstyle::Style = anstyle::Style::new().bold();
const FAINT: anstyle::Style = anstyle::Style::new().dimmed();
const HIT: anstyle::Style = anstyle::Style::new()
    .bold()
    .fg_color(Some(anstyle::Color::Ansi(anstyle::AnsiColor::Red)));

/// Searches the texts of transcripts, and prints the hits.
pub(super) fn search(settings: &Settings, trust: PluginTrust, options: &SearchOptions) -> anyhow::Result<Exit> {
    let answer = answer(settings, trust, options.asked())?;
    if options.json {
        output::print_json(&answer)?;
        return Ok(Exit::Done);
    }
    for warning in &answer.warnings {
        tracing::warn!("{warning}");
    }
    output::print_block(&rendered(&answer, settings.timezone.rules(), Style::of_stdout()))?;
    Ok(Exit::Done)
}

fn answer(settings: &Settings, trust: PluginTrust, asked: AskedSearch) -> anyhow::Result<SearchAnswer> {
    let reader = match reader(settings)? {
        Access::Here(reader) => reader.without_external_access()?,
        Access::Server(server) => {
            let limit = asked.limit.map(|limit| limit.to_string());
            let parameters = [
                ("words", Some(asked.words.as_str())),
                ("regex", asked.regex.then_some("true")),
                ("username", asked.username.as_deref()),
                ("project", asked.project.as_deref()),
                ("since", asked.since.as_deref()),
                ("until", asked.until.as_deref()),
                ("limit", limit.as_deref()),
                ("before", asked.before.as_deref()),
            ];
            return Ok(server.get(&target("/api/search", &parameters))?);
        }
    };
    let found = look_for_report(settings, trust, &reader, None, |catalogue| {
        search::run(catalogue, settings, &reader, &asked, u64::MAX)
    });
    Ok(found??)
}

/// The hits as lines.
fn rendered(answer: &SearchAnswer, zone: &TimeZone, style: Style) -> String {
    if answer.hits.is_empty() {
        return "nothing was found".to_owned();
    }
    let hits = answer.hits.iter().map(|hit| lines(hit, zone, style));
    let older = answer.older.as_ref().map(|older| {
        let told = format!("there are older hits: --before {}", older.shown());
        style.paint(&told, FAINT)
    });
    hits.chain(older).collect::<Vec<_>>().join("\n\n")
}

/// A hit: where it is, and the text around it.
fn lines(hit: &Hit, zone: &TimeZone, style: Style) -> String {
    let place = format!("{}:{}", hit.session.shown(), hit.line);
    let told = [
        Some(local(&hit.time, zone)),
        hit.username.clone(),
        hit.project.clone(),
        Some(what(hit)),
    ];
    let told: Vec<String> = told.iter().flatten().map(Shown::shown).collect();
    format!(
        "{}\n{}\n  {}",
        style.paint(&place, BOLD),
        style.paint(&told.join("  "), FAINT),
        excerpt(&hit.excerpt, style)
    )
}

/// What the text is, such as `tool result of Bash`.
fn what(hit: &Hit) -> String {
    let kind = hit.kind.replace('_', " ");
    let tool = hit.tool.iter().map(|tool| format!(" of {tool}"));
    iter::once(kind).chain(tool).collect()
}

fn excerpt(excerpt: &Excerpt, style: Style) -> String {
    let pieces = excerpt.0.iter().map(|piece| match piece.hit {
        true => style.paint(&piece.text.shown(), HIT),
        false => piece.text.shown(),
    });
    pieces.collect()
}

/// A time as the clock of the time zone shows it.
fn local(time: &str, zone: &TimeZone) -> String {
    match time.parse::<Timestamp>() {
        Ok(time) => time
            .to_zoned_datetime(zone.clone())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
        Err(_) => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(text: &str) -> SearchAnswer {
        serde_json::from_value(json!({
            "processor": "search", "older": "1.2.a", "warnings": [], "hits": [{
                "session": "alice/a\u{1b}.jsonl", "username": "alice", "project": null, "time": "2026-03-29T01:00:00Z",
                "line": 7, "part": 9, "kind": "tool_result", "tool": "Bash",
                "excerpt": [{"text": "before ", "hit": false}, {"text": text, "hit": true}],
            }],
        }))
        .unwrap()
    }

    #[test]
    fn a_hit_tells_where_it_is_and_the_terminal_interprets_nothing_of_it() {
        let zone = TimeZone::get("Europe/Prague").unwrap();
        assert_eq!(
            rendered(&answer("it\u{202e}"), &zone, Style::Plain),
            "alice/a\\x1b.jsonl:7\n2026-03-29 03:00:00  alice  tool result of Bash\n  before it\\u{202e}\n\n\
             there are older hits: --before 1.2.a"
        );
        let coloured = rendered(&answer("it"), &zone, Style::Coloured);
        assert!(
            coloured.contains("before \u{1b}[1m\u{1b}[31mit\u{1b}[0m"),
            "{coloured:?}"
        );
        assert_eq!(
            rendered(
                &SearchAnswer {
                    hits: Vec::new(),
                    ..answer("")
                },
                &zone,
                Style::Plain
            ),
            "nothing was found"
        );
    }
}

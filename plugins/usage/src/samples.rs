//! Tests the processor on the complete sample transcripts.

use std::collections::{BTreeMap, BTreeSet};

use session_plugin_api::{Session, Timestamp};

use crate::{
    catalogue::{Catalogue, FleaEntity},
    session_usage::SessionUsage,
};

macro_rules! sample {
    ($key:literal) => {
        (
            $key,
            include_bytes!(concat!("../../../tests/transcripts/", $key)).as_slice(),
        )
    };
}

type Sample = (&'static str, &'static [u8]);

const OPENING_HOURS: Sample = sample!("alice/opening-hours.jsonl");
const RESUMED: Sample = sample!("alice/opening-hours-resumed.jsonl");
const PROOFREADER: Sample = sample!("alice/opening-hours/subagents/agent-proof1.jsonl");
const RAIN_GAUGE: Sample = sample!("bruno/rain-gauge.jsonl");
const OLD_AGENT: Sample = sample!("bruno/old-agent.jsonl");
const LIVE: Sample = sample!("chen/live.jsonl");
const QUIET: Sample = sample!("chen/quiet.jsonl");

fn check((key, transcript): Sample, check: impl FnOnce(SessionUsage<'_>)) {
    let catalogue = Catalogue {
        curated_plugins: BTreeSet::from(["bakery".to_owned()]),
        flea_entities: BTreeMap::from([
            ("tidy".to_owned(), FleaEntity::Skill),
            ("garden".to_owned(), FleaEntity::Plugin),
        ]),
    };
    let session = Session::from_bytes(key, "someone", Timestamp::from_micros(0), transcript);
    check(SessionUsage::of(&session, &catalogue));
}

#[test]
fn a_day_at_the_bakery() {
    check(OPENING_HOURS, |SessionUsage { summary, .. }| {
        assert_eq!((summary.user_messages, summary.assistant_messages), (16, 20));
        assert_eq!((summary.prompts, summary.responses), (3, 15));
        assert_eq!(
            (summary.tool_calls, summary.tool_errors, summary.distinct_tools),
            (11, 2, 6)
        );
        assert_eq!((summary.skill_invocations, summary.subagent_dispatches), (1, 1));
        assert_eq!((summary.active_seconds, summary.wall_seconds), (127, 1032));
        assert_eq!((summary.input_tokens, summary.output_tokens), (72, 1721));
        assert_eq!(
            (summary.cache_read_tokens, summary.cache_creation_tokens),
            (227_990, 36_420)
        );
        assert_eq!(summary.primary_model.as_deref(), Some("claude-opus-4-6"));
    });
}

#[test]
fn a_resumed_session_repeats_its_history() {
    check(OPENING_HOURS, |first| {
        check(RESUMED, |resumed| {
            let known: BTreeSet<_> = first.events.iter().map(|event| event.id.as_str()).collect();
            let (old, new): (Vec<_>, Vec<_>) = resumed
                .events
                .iter()
                .partition(|event| known.contains(event.id.as_str()));
            assert_eq!((old.len(), new.len()), (5, 1));
            let known: BTreeSet<_> = first.messages.iter().map(|message| &message.message_id).collect();
            let old = resumed
                .messages
                .iter()
                .filter(|message| known.contains(&message.message_id));
            assert_eq!((old.count(), resumed.messages.len()), (5, 7));
        });
    });
}

#[test]
fn a_subagent_writes_beside_its_session() {
    check(PROOFREADER, |subagent| {
        check(OPENING_HOURS, |parent| {
            assert_eq!(subagent.summary.session_id, parent.summary.session_id)
        });
        assert_eq!((subagent.summary.prompts, subagent.summary.responses), (0, 3));
        assert!(subagent.messages.iter().all(|message| message.is_sidechain));
        assert_eq!((subagent.summary.mcp_calls, subagent.summary.tool_errors), (1, 1));
    });
}

#[test]
fn a_garden_with_plugins() {
    check(RAIN_GAUGE, |usage| {
        let attributed = usage.events.iter().filter(|event| event.source != "builtin");
        let attributed: Vec<_> = attributed
            .map(|event| (event.event_type, event.source, event.ref_id))
            .collect();
        let expected = [
            ("slash_command", "flea", Some("garden")),
            ("subagent", "flea", Some("garden")),
            ("slash_command", "flea", None),
            ("tool_use", "flea", None),
        ];
        assert_eq!(attributed, expected);
        assert_eq!((usage.summary.mcp_calls, usage.summary.slash_commands), (2, 3));
        assert_eq!((usage.summary.prompts, usage.summary.user_messages), (5, 14));
    });
}

#[test]
fn a_transcript_of_an_old_agent() {
    check(OLD_AGENT, |usage| {
        let failed: Vec<bool> = usage.events.iter().map(|event| event.is_error).collect();
        assert_eq!(failed, [false, true]);
        assert_eq!(usage.messages[0].cache_creation_5m_tokens, 1200);
        assert_eq!(
            (usage.messages.len(), usage.messages[2].message_id.as_deref()),
            (3, None)
        );
    });
}

#[test]
fn a_file_that_is_being_written() {
    check(LIVE, |usage| {
        assert_eq!((usage.summary.user_messages, usage.summary.assistant_messages), (4, 5));
        assert_eq!((usage.summary.tool_calls, usage.summary.skill_invocations), (3, 1));
        assert_eq!(usage.summary.responses, 3);
        let sidechains = usage.messages.iter().filter(|message| message.is_sidechain);
        assert_eq!(sidechains.count(), 0);
    });
}

#[test]
fn a_session_in_which_nothing_was_asked() {
    check(QUIET, |usage| {
        assert!(usage.events.is_empty() && usage.messages.is_empty());
        assert_eq!(usage.summary.session_id, "chen/quiet.jsonl");
        assert_eq!(usage.summary.started_at, None);
    });
}

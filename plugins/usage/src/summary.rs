//! Summarises a session in its row of `usage_stored_sessions`.

use std::{borrow::Cow, collections::HashSet};

use crate::{
    PROCESSOR_VERSION,
    activity::Activity,
    invocation::EventType,
    response::Response,
    rows::{Owner, SessionSummary, UsageEvent},
    tokens::Tokens,
};

/// The numbers of lines by kind.
#[derive(Debug, Default)]
pub(crate) struct Turns<'a> {
    /// Lines of type `user`; most of them carry tool results.
    pub(crate) user_messages: i64,
    /// Lines of type `assistant`; a response may have several.
    pub(crate) assistant_messages: i64,
    /// Lines with text that a person typed.
    pub(crate) prompts: i64,
    models: Vec<(Cow<'a, str>, u64)>,
}

impl<'a> Turns<'a> {
    /// Counts a line of this model.
    pub(crate) fn count_model(&mut self, model: Cow<'a, str>) {
        match self.models.iter_mut().find(|(known, _)| *known == model) {
            Some((_, lines)) => *lines += 1,
            None => self.models.push((model, 1)),
        }
    }

    /// The most frequent model; in case of a tie, the first one seen.
    fn primary_model(&self) -> Option<Cow<'a, str>> {
        // `max_by_key` returns the last of equal elements.
        let (model, _) = self.models.iter().rev().max_by_key(|(_, lines)| lines)?;
        Some(model.clone())
    }
}

/// Summarises a session.
pub(crate) fn summarize<'a>(
    owner: &Owner<'a>,
    activity: &Activity,
    turns: &Turns<'a>,
    events: &[UsageEvent<'a>],
    responses: &[Response<'a>],
) -> SessionSummary<'a> {
    let tokens: Tokens = responses.iter().map(|response| response.tokens).sum();
    let of_type = |event_type: EventType| count(events, |event| event.event_type == event_type.as_str());
    SessionSummary {
        session_id: owner.session_id.clone(),
        username: owner.username,
        started_at: activity.started_at,
        ended_at: activity.ended_at,
        active_seconds: activity.active_seconds,
        wall_seconds: activity.wall_seconds,
        user_messages: turns.user_messages,
        assistant_messages: turns.assistant_messages,
        tool_calls: of_type(EventType::ToolUse),
        tool_errors: count(events, |event| event.is_error),
        skill_invocations: count(events, |event| event.skill_name.is_some()),
        subagent_dispatches: of_type(EventType::Subagent),
        mcp_calls: of_type(EventType::McpCall),
        slash_commands: of_type(EventType::SlashCommand),
        distinct_tools: distinct(events.iter().filter_map(|event| event.tool_name.as_deref())),
        distinct_skills: distinct(events.iter().filter_map(|event| event.skill_name.as_deref())),
        prompts: turns.prompts,
        responses: responses.len() as i64,
        primary_model: turns.primary_model(),
        input_tokens: tokens.input,
        output_tokens: tokens.output,
        cache_read_tokens: tokens.cache_read,
        cache_creation_tokens: tokens.cache_creation,
        processor_version: PROCESSOR_VERSION,
    }
}

fn count(events: &[UsageEvent<'_>], wanted: impl Fn(&UsageEvent<'_>) -> bool) -> i64 {
    events.iter().filter(|event| wanted(event)).count() as i64
}

fn distinct<'n>(names: impl Iterator<Item = &'n str>) -> i64 {
    names.collect::<HashSet<_>>().len() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn primary(models: &[&'static str]) -> Option<Cow<'static, str>> {
        let mut turns = Turns::default();
        models.iter().for_each(|model| turns.count_model(Cow::Borrowed(model)));
        turns.primary_model()
    }

    #[test]
    fn the_primary_model_is_the_most_frequent() {
        assert_eq!(primary(&["a", "b", "b"]).as_deref(), Some("b"));
        assert_eq!(primary(&[]), None);
    }

    #[test]
    fn the_first_seen_wins_a_tie() {
        assert_eq!(primary(&["a", "b", "b", "c", "a"]).as_deref(), Some("a"));
    }
}

//! Turns invocations into the rows of `usage_events`.

use std::{borrow::Cow, collections::HashSet};

use session_plugin_api::hex;
use sha2::{Digest, Sha256};

use crate::{
    PROCESSOR_VERSION,
    catalogue::Catalogue,
    invocation::Invocation,
    rows::{Owner, UsageEvent},
};

/// The events of a session's invocations. Invocations with the same identity become one event, the first.
pub(crate) fn usage_events<'a>(
    invocations: Vec<Invocation<'a>>,
    failed_tools: &HashSet<Cow<'a, str>>,
    owner: &Owner<'a>,
    catalogue: &'a Catalogue,
) -> Vec<UsageEvent<'a>> {
    let mut known = HashSet::new();
    let mut events = Vec::with_capacity(invocations.len());
    for invocation in invocations {
        let digest = identity(&owner.session_id, &invocation);
        if known.insert(digest) {
            let is_error = invocation.tool_id.as_ref().is_some_and(|id| failed_tools.contains(id));
            events.push(usage_event(hex(digest), invocation, is_error, owner, catalogue));
        }
    }
    events
}

fn usage_event<'a>(
    id: String,
    invocation: Invocation<'a>,
    is_error: bool,
    owner: &Owner<'a>,
    catalogue: &'a Catalogue,
) -> UsageEvent<'a> {
    let attribution = catalogue.attribute(invocation.identifiers());
    let key = invocation.key();
    UsageEvent {
        id,
        session_id: owner.session_id.clone(),
        username: owner.username,
        event_uuid: invocation.event_uuid,
        parent_uuid: invocation.parent_uuid,
        event_type: invocation.event_type.as_str(),
        tool_name: invocation.tool_name,
        skill_name: invocation.skill_name,
        subagent_type: invocation.subagent_type,
        command_name: invocation.command_name,
        is_error,
        source: attribution.source,
        ref_id: attribution.ref_id,
        model: invocation.model,
        cwd: invocation.cwd,
        occurred_at: invocation.occurred_at,
        processor_version: PROCESSOR_VERSION,
        invocation: key,
    }
}

/// The SHA-256 of `session_id|event_uuid|tool_id|event_type|tool_name|command_name`. A missing part is empty.
fn identity(session_id: &str, invocation: &Invocation<'_>) -> [u8; 32] {
    let parts = [
        &invocation.event_uuid,
        &invocation.tool_id,
        &Some(Cow::Borrowed(invocation.event_type.as_str())),
        &invocation.tool_name,
        &invocation.command_name,
    ];
    let mut hasher = Sha256::new_with_prefix(session_id);
    for part in parts {
        hasher.update("|");
        hasher.update(part.as_deref().unwrap_or_default());
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use session_plugin_api::Timestamp;

    use super::*;
    use crate::invocation::EventType;

    fn invocation(tool_id: &'static str) -> Invocation<'static> {
        Invocation {
            event_type: EventType::ToolUse,
            event_uuid: Some(Cow::Borrowed("u1")),
            original_uuid: Some(Cow::Borrowed("u1")),
            parent_uuid: None,
            tool_id: Some(Cow::Borrowed(tool_id)),
            tool_name: Some(Cow::Borrowed("Bash")),
            skill_name: None,
            subagent_type: None,
            command_name: None,
            model: None,
            cwd: None,
            occurred_at: Timestamp::from_micros(0),
        }
    }

    fn owner() -> Owner<'static> {
        Owner {
            username: "alice",
            session_id: Cow::Borrowed("s1"),
        }
    }

    #[test]
    fn an_identity_is_the_hash_of_its_parts() {
        let expected: [u8; 32] = Sha256::digest("s1|u1|t1|tool_use|Bash|").into();
        assert_eq!(identity("s1", &invocation("t1")), expected);
    }

    #[test]
    fn absent_parts_are_empty() {
        let command = Invocation {
            event_type: EventType::SlashCommand,
            event_uuid: None,
            tool_id: None,
            tool_name: None,
            command_name: Some(Cow::Borrowed("clear")),
            ..invocation("t1")
        };
        let expected: [u8; 32] = Sha256::digest("s1|||slash_command||clear").into();
        assert_eq!(identity("s1", &command), expected);
    }

    #[test]
    fn of_the_same_identity_the_first_wins() {
        let second = Invocation {
            cwd: Some(Cow::Borrowed("/elsewhere")),
            ..invocation("t1")
        };
        let invocations = vec![invocation("t1"), second, invocation("t2")];
        let catalogue = Catalogue::default();
        let events = usage_events(invocations, &HashSet::new(), &owner(), &catalogue);
        assert_eq!(
            events.iter().map(|event| event.cwd.as_deref()).collect::<Vec<_>>(),
            [None, None]
        );
        assert_ne!(events[0].id, events[1].id);
    }

    #[test]
    fn a_failed_tool_marks_its_event() {
        let failed = HashSet::from([Cow::Borrowed("t2")]);
        let catalogue = Catalogue::default();
        let events = usage_events(vec![invocation("t1"), invocation("t2")], &failed, &owner(), &catalogue);
        assert_eq!(
            events.iter().map(|event| event.is_error).collect::<Vec<_>>(),
            [false, true]
        );
    }
}

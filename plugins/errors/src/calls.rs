//! Tracks the tool calls of a session and their results, to find retries and recoveries.

use std::{borrow::Cow, collections::HashMap};

use session_plugin_api::transcript::ToolUse;

/// The index of a call among the calls of its session.
pub(crate) type CallNumber = usize;

/// The calls of a session, in order.
#[derive(Debug, Default)]
pub(crate) struct Calls<'a> {
    calls: Vec<Call<'a>>,
    by_id: HashMap<Cow<'a, str>, CallNumber>,
    /// The latest call of each tool.
    latest: HashMap<Cow<'a, str>, CallNumber>,
}

#[derive(Debug)]
struct Call<'a> {
    tool: Option<Cow<'a, str>>,
    /// The arguments as written. A repeated call has the same text.
    input: &'a str,
    /// The tool's previous call, if it was the same and had failed.
    retried: Option<CallNumber>,
    result: Option<CallResult>,
}

/// The outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallResult {
    /// The tool did its work.
    Succeeded,
    /// It did not.
    Failed,
}

impl<'a> Calls<'a> {
    /// Adds a call. A second call with a known identifier is the same call, written again.
    pub(crate) fn add(&mut self, call: ToolUse<'a>) {
        let number = self.calls.len();
        if let Some(id) = call.id {
            if self.by_id.contains_key(&id) {
                return;
            }
            self.by_id.insert(id, number);
        }
        let previous = call.name.clone().and_then(|tool| self.latest.insert(tool, number));
        let retried = previous.filter(|previous| self.has_failed(*previous, call.input.as_str()));
        self.calls.push(Call {
            tool: call.name,
            input: call.input.as_str(),
            retried,
            result: None,
        });
    }

    /// Records the result of a call and returns the call. `None` if the call already has a result.
    pub(crate) fn answer(&mut self, id: Option<&str>, result: CallResult) -> Option<Answered> {
        let Some(number) = id.and_then(|id| self.by_id.get(id)).copied() else {
            return Some(Answered::Unknown);
        };
        let known = &mut self.calls.get_mut(number)?.result;
        match known {
            Some(_) => None,
            None => {
                *known = Some(result);
                Some(Answered::Call(number))
            }
        }
    }

    /// The called tool.
    pub(crate) fn tool(&self, call: CallNumber) -> Option<&Cow<'a, str>> {
        self.calls.get(call)?.tool.as_ref()
    }

    /// Whether the previous call of the same tool was the same call, and failed.
    pub(crate) fn is_retry(&self, call: CallNumber) -> bool {
        self.retried(call).is_some()
    }

    fn retried(&self, call: CallNumber) -> Option<CallNumber> {
        self.calls.get(call)?.retried
    }

    fn has_failed(&self, call: CallNumber, input: &str) -> bool {
        let call = self.calls.get(call);
        call.is_some_and(|call| call.input == input && call.result == Some(CallResult::Failed))
    }

    /// The longest run of retries of a failing call.
    pub(crate) fn longest_retry_run(&self) -> u64 {
        let mut runs: Vec<u64> = Vec::with_capacity(self.calls.len());
        for number in 0..self.calls.len() {
            let before = self.retried(number).and_then(|previous| runs.get(previous));
            runs.push(before.map_or(0, |run| run + 1));
        }
        runs.into_iter().max().unwrap_or(0)
    }

    /// The last successful call of each tool.
    pub(crate) fn last_successes(&self) -> HashMap<&str, CallNumber> {
        let succeeded = |call: &&Call<'_>| call.result == Some(CallResult::Succeeded);
        let numbered = self.calls.iter().enumerate();
        let of_tools = numbered
            .filter(|(_, call)| succeeded(call))
            .filter_map(|(number, call)| {
                let tool = call.tool.as_deref()?;
                Some((tool, number))
            });
        of_tools.collect()
    }
}

/// The call that a result answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// A call of the session.
    Call(CallNumber),
    /// A call in another file.
    Unknown,
}

#[cfg(test)]
mod tests {
    use session_plugin_api::transcript::{Block, Event};

    use super::*;

    /// Runs these calls, each with its result, and checks the calls.
    fn check(steps: &[(&str, &str, CallResult)], check: impl FnOnce(&Calls<'_>)) {
        let lines: Vec<String> = steps
            .iter()
            .enumerate()
            .map(|(id, (tool, input, _))| {
                format!(
                    r#"{{"message":{{"content":[{{"type":"tool_use","id":"{id}","name":"{tool}","input":"{input}"}}]}}}}"#
                )
            })
            .collect();
        let mut calls = Calls::default();
        for (id, (line, (.., result))) in lines.iter().zip(steps).enumerate() {
            for block in Event::parse(line.as_bytes()).unwrap().message.content.blocks() {
                if let Block::ToolUse(call) = block {
                    calls.add(call);
                }
            }
            assert_eq!(calls.answer(Some(&id.to_string()), *result), Some(Answered::Call(id)));
        }
        check(&calls);
    }

    use CallResult::{Failed, Succeeded};

    #[test]
    fn a_retry_is_the_same_call_after_a_failure() {
        let steps = [
            ("Bash", "a", Failed),
            ("Read", "a", Failed),
            ("Bash", "a", Failed),
            ("Bash", "a", Succeeded),
            ("Bash", "a", Failed),
            ("Bash", "b", Failed),
            ("Bash", "a", Failed),
        ];
        check(&steps, |calls| {
            let retries: Vec<bool> = (0..steps.len()).map(|call| calls.is_retry(call)).collect();
            assert_eq!(retries, [false, false, true, true, false, false, false]);
            assert_eq!(calls.longest_retry_run(), 2);
            assert_eq!(calls.last_successes(), HashMap::from([("Bash", 3)]));
            assert_eq!(calls.tool(1).map(AsRef::as_ref), Some("Read"));
        });
    }

    #[test]
    fn a_call_has_one_result() {
        check(&[("Bash", "a", Failed)], |_| {});
        let mut calls = Calls::default();
        calls.add(ToolUse {
            id: Some("1".into()),
            name: Some("Bash".into()),
            ..ToolUse::default()
        });
        assert_eq!(calls.answer(Some("1"), Failed), Some(Answered::Call(0)));
        assert_eq!(calls.answer(Some("1"), Failed), None);
        assert_eq!(calls.answer(Some("2"), Failed), Some(Answered::Unknown));
        assert_eq!(calls.answer(None, Failed), Some(Answered::Unknown));
        assert_eq!(Calls::default().longest_retry_run(), 0);
    }
}

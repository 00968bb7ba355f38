//! The calls of tools in a session, and how they went.

use std::{borrow::Cow, collections::HashMap};

use session_plugin_api::transcript::ToolUse;

/// The place of a call among the calls of its session.
pub(crate) type CallNumber = usize;

/// The calls of a session, in their order.
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
    /// The arguments as they were written: a call that is made again is written the same.
    input: &'a str,
    /// The call of the tool just before, if it was the same and had failed.
    retried: Option<CallNumber>,
    result: Option<CallResult>,
}

/// How a call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallResult {
    /// The tool did what it was asked.
    Succeeded,
    /// It did not.
    Failed,
}

impl<'a> Calls<'a> {
    /// Takes a call down. One of a known identifier is the same call, written twice.
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

    /// Takes the result of a call down; gives the call. `None` where the call has its result already.
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

    /// The tool that was called.
    pub(crate) fn tool(&self, call: CallNumber) -> Option<&Cow<'a, str>> {
        self.calls.get(call)?.tool.as_ref()
    }

    /// Whether the call of this tool just before was the same, and failed.
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

    /// The most times in a row that a failing call was made again.
    pub(crate) fn longest_retry_run(&self) -> u64 {
        let mut runs: Vec<u64> = Vec::with_capacity(self.calls.len());
        for number in 0..self.calls.len() {
            let before = self.retried(number).and_then(|previous| runs.get(previous));
            runs.push(before.map_or(0, |run| run + 1));
        }
        runs.into_iter().max().unwrap_or(0)
    }

    /// The last call of each tool that succeeded.
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

/// What a result belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// A call of the session.
    Call(CallNumber),
    /// A call that stands elsewhere.
    Unknown,
}

#[cfg(test)]
mod tests {
    use session_plugin_api::transcript::{Block, Event};

    use super::*;

    /// Calls of the tools with the inputs, each answered.
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

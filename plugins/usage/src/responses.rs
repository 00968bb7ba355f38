//! The model's responses, each counted once however many lines it is written as.

use std::{borrow::Cow, collections::HashMap};

use crate::response::Response;

/// The distinct responses of a session, in the order of their first lines.
#[derive(Debug, Default)]
pub(crate) struct Responses<'a> {
    responses: Vec<Response<'a>>,
    by_request: HashMap<(MessageKey<'a>, Option<Cow<'a, str>>), usize>,
    /// Of the responses of equal message and prompt the first.
    by_prompt: HashMap<(MessageKey<'a>, i64), usize>,
}

/// `message.id`, and the place in it of an advisor's answer.
type MessageKey<'a> = (Cow<'a, str>, Option<i64>);

impl<'a> Responses<'a> {
    /// Adds what one line tells. A line without a `message.id` is a response by itself.
    pub(crate) fn add(&mut self, response: Response<'a>) {
        let Some(message_id) = response.message_id.clone() else {
            self.responses.push(response);
            return;
        };
        let message = (message_id, response.iteration);
        let request = (message.clone(), response.request_id.clone());
        let place = match self.by_request.get(&request) {
            Some(place) => *place,
            None => {
                let prompt = (message, response.tokens.prompt());
                let place = self.repeated(&response, &prompt).unwrap_or(self.responses.len());
                self.by_request.insert(request, place);
                self.by_prompt.entry(prompt).or_insert(place);
                place
            }
        };
        match self.responses.get_mut(place) {
            Some(known) => known.merge(response),
            None => self.responses.push(response),
        }
    }

    /// The response that is told under another request: a side question's transcript repeats its parent's messages, under
    /// the request of its own. A gateway may give all responses one identifier, but hardly to the same prompt.
    fn repeated(&self, response: &Response<'a>, prompt: &(MessageKey<'a>, i64)) -> Option<usize> {
        let place = *self.by_prompt.get(prompt)?;
        (response.is_sidechain || self.responses[place].is_sidechain).then_some(place)
    }

    /// The responses.
    pub(crate) fn into_vec(self) -> Vec<Response<'a>> {
        self.responses
    }
}

#[cfg(test)]
mod tests {
    use session_plugin_api::Timestamp;

    use super::*;
    use crate::{response::Circumstances, tokens::Tokens};

    fn response(
        id: Option<&'static str>,
        request: Option<&'static str>,
        output: i64,
        is_sidechain: bool,
    ) -> Response<'static> {
        Response {
            message_id: id.map(Cow::Borrowed),
            request_id: request.map(Cow::Borrowed),
            occurred_at: Timestamp::from_micros(output),
            is_sidechain,
            tokens: Tokens {
                output,
                ..Tokens::default()
            },
            ..Response::default()
        }
    }

    fn distinct(lines: impl IntoIterator<Item = Response<'static>>) -> Vec<(i64, bool)> {
        let mut responses = Responses::default();
        lines.into_iter().for_each(|line| responses.add(line));
        let told = |response: Response<'_>| (response.tokens.output, response.is_sidechain);
        responses.into_vec().into_iter().map(told).collect()
    }

    #[test]
    fn lines_of_one_response_count_once() {
        let line = || response(Some("m1"), Some("r1"), 10, false);
        assert_eq!(distinct([line(), line(), line()]), [(10, false)]);
    }

    #[test]
    fn the_line_with_the_largest_total_counts() {
        let lines = [3, 12, 7].map(|output| response(Some("m1"), Some("r1"), output, false));
        assert_eq!(distinct(lines), [(12, false)]);
    }

    #[test]
    fn on_a_tie_the_line_that_is_no_sidechain_counts() {
        let lines = [true, false, true].map(|is_sidechain| response(Some("m1"), None, 10, is_sidechain));
        assert_eq!(distinct(lines), [(10, false)]);
        let lines = [(11, true), (10, false)].map(|(output, side)| response(Some("m1"), None, output, side));
        assert_eq!(distinct(lines), [(11, true)]);
    }

    #[test]
    fn message_and_request_together_tell_responses_apart() {
        let lines = [
            response(Some("m1"), Some("r1"), 1, false),
            response(Some("m1"), Some("r2"), 2, false),
            response(Some("m2"), Some("r1"), 3, false),
            response(Some("m1"), None, 4, false),
        ];
        assert_eq!(distinct(lines).len(), 4);
    }

    #[test]
    fn a_sidechain_repeats_a_message_under_another_request() {
        let lines = [
            response(Some("m1"), Some("r1"), 10, false),
            response(Some("m1"), Some("r9"), 10, true),
            response(Some("m2"), Some("r9"), 4, true),
        ];
        assert_eq!(distinct(lines.clone()), [(10, false), (4, true)]);
        assert_eq!(distinct(lines.into_iter().rev()), [(4, true), (10, false)]);
    }

    #[test]
    fn a_sidechain_under_another_prompt_is_another_response() {
        let mut other = response(Some("m1"), Some("r9"), 10, true);
        other.tokens.input = 1;
        let lines = [response(Some("m1"), Some("r1"), 10, false), other];
        assert_eq!(distinct(lines).len(), 2);
    }

    #[test]
    fn an_advisors_answer_counts_beside_the_response_and_once() {
        let line = || response(Some("m1"), Some("r1"), 10, false);
        let advised = |place| Response {
            iteration: Some(place),
            ..line()
        };
        assert_eq!(distinct([line(), advised(1), advised(3), line(), advised(1)]).len(), 3);
    }

    #[test]
    fn what_only_one_line_tells_is_kept() {
        let told = |output, speed: Option<&'static str>, recorded_cost_usd| Response {
            circumstances: Circumstances {
                speed: speed.map(Cow::Borrowed),
                recorded_cost_usd,
                ..Circumstances::default()
            },
            ..response(Some("m1"), Some("r1"), output, false)
        };
        let mut responses = Responses::default();
        responses.add(told(1, Some("fast"), None));
        responses.add(told(9, None, None));
        responses.add(told(9, None, Some(0.5)));
        let [response] = &responses.into_vec()[..] else {
            panic!()
        };
        assert_eq!(response.tokens.output, 9);
        assert_eq!(response.circumstances.speed.as_deref(), Some("fast"));
        assert_eq!(response.circumstances.recorded_cost_usd, Some(0.5));
    }

    #[test]
    fn a_line_without_a_message_id_counts_by_itself() {
        let line = || response(None, Some("r1"), 10, false);
        assert_eq!(distinct([line(), line()]), [(10, false), (10, false)]);
    }
}

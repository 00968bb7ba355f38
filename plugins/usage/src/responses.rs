//! The model's responses, each counted once however many lines it is written as.

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map::Entry},
};

use session_plugin_api::{Timestamp, transcript::Event};

use crate::{
    prices::Prices,
    rows::{Owner, UsageMessage},
    tokens::Tokens,
};

/// One response, as one of its lines tells it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Response<'a> {
    pub(crate) message_id: Option<Cow<'a, str>>,
    pub(crate) request_id: Option<Cow<'a, str>>,
    pub(crate) model: Option<Cow<'a, str>>,
    pub(crate) occurred_at: Timestamp,
    pub(crate) is_sidechain: bool,
    pub(crate) tokens: Tokens,
    pub(crate) circumstances: Circumstances<'a>,
    pub(crate) cwd: Option<Cow<'a, str>>,
    pub(crate) git_branch: Option<Cow<'a, str>>,
}

/// What the price of a response depends on beside its model and its tokens; `None` where no line tells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Circumstances<'a> {
    pub(crate) recorded_cost_usd: Option<f64>,
    pub(crate) speed: Option<Cow<'a, str>>,
    pub(crate) service_tier: Option<Cow<'a, str>>,
    pub(crate) inference_geo: Option<Cow<'a, str>>,
    pub(crate) web_search_requests: Option<i64>,
}

impl<'a> Response<'a> {
    /// Of an assistant's line.
    pub(crate) fn of_line(line: Event<'a>, occurred_at: Timestamp) -> Self {
        let usage = line.message.usage;
        Self {
            message_id: line.message.id,
            request_id: line.request_id,
            model: line.message.model,
            occurred_at,
            is_sidechain: line.is_sidechain,
            tokens: Tokens::from(&usage),
            circumstances: Circumstances {
                recorded_cost_usd: line.cost_usd,
                speed: usage.speed,
                service_tier: usage.service_tier,
                inference_geo: usage.inference_geo,
                web_search_requests: usage.server_tool_use.web_search_requests,
            },
            cwd: line.cwd,
            git_branch: line.git_branch,
        }
    }

    /// The row of `usage_stored_messages`.
    pub(crate) fn into_row(self, owner: &Owner<'a>, prices: &Prices) -> UsageMessage<'a> {
        let cost_usd = self.cost_usd(prices);
        let circumstances = self.circumstances;
        UsageMessage {
            username: owner.username,
            session_id: owner.session_id.clone(),
            message_id: self.message_id,
            request_id: self.request_id,
            model: self.model,
            occurred_at: self.occurred_at,
            is_sidechain: self.is_sidechain,
            input_tokens: self.tokens.input,
            output_tokens: self.tokens.output,
            cache_read_tokens: self.tokens.cache_read,
            cache_creation_5m_tokens: self.tokens.cache_creation_5m,
            cache_creation_1h_tokens: self.tokens.cache_creation_1h,
            cost_usd,
            iteration: None,
            recorded_cost_usd: circumstances.recorded_cost_usd,
            speed: circumstances.speed,
            service_tier: circumstances.service_tier,
            inference_geo: circumstances.inference_geo,
            web_search_requests: circumstances.web_search_requests,
            cwd: self.cwd,
            git_branch: self.git_branch,
        }
    }

    /// What the response cost; `None` when its model or the model's price is unknown.
    pub(crate) fn cost_usd(&self, prices: &Prices) -> Option<f64> {
        prices.cost(self.model.as_deref()?, &self.tokens)
    }

    /// A streamed response is written with partial counts first, and a subagent may repeat a line of its parent.
    fn tells_more_than(&self, other: &Self) -> bool {
        let weight = |response: &Self| (response.tokens.total(), !response.is_sidechain);
        weight(self) > weight(other)
    }
}

/// The distinct responses of a session, in the order of their first lines.
#[derive(Debug, Default)]
pub(crate) struct Responses<'a> {
    responses: Vec<Response<'a>>,
    places: HashMap<ResponseKey<'a>, usize>,
}

/// `message.id` and `requestId`.
type ResponseKey<'a> = (Cow<'a, str>, Option<Cow<'a, str>>);

impl<'a> Responses<'a> {
    /// Adds what one line tells. A line without a `message.id` is a response by itself.
    pub(crate) fn add(&mut self, response: Response<'a>) {
        let Some(message_id) = response.message_id.clone() else {
            self.responses.push(response);
            return;
        };
        match self.places.entry((message_id, response.request_id.clone())) {
            Entry::Vacant(place) => {
                place.insert(self.responses.len());
                self.responses.push(response);
            }
            Entry::Occupied(place) => {
                let known = &mut self.responses[*place.get()];
                if response.tells_more_than(known) {
                    *known = response;
                }
            }
        }
    }

    /// The responses.
    pub(crate) fn into_vec(self) -> Vec<Response<'a>> {
        self.responses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_line_without_a_message_id_counts_by_itself() {
        let line = || response(None, Some("r1"), 10, false);
        assert_eq!(distinct([line(), line()]), [(10, false), (10, false)]);
    }
}

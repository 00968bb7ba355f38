//! Collects the model's responses, so that each counts once even if several lines record it.

use std::{borrow::Cow, collections::HashMap, hash::Hash};

use crate::response::Response;

/// The distinct responses of a session.
#[derive(Debug, Default)]
pub(crate) struct Responses<'a> {
    responses: Vec<Response<'a>>,
    by_request: HashMap<Request<'a>, usize>,
}

/// The key that the lines of one response share.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Request<'a> {
    message: MessageKey<'a>,
    request_id: Option<Cow<'a, str>>,
    /// Set only if nothing else distinguishes responses.
    model: Option<Cow<'a, str>>,
}

/// `message.id`, and the number of the advisor's answer.
type MessageKey<'a> = (Cow<'a, str>, Option<i64>);

/// The key that a copy in a side question's transcript shares with its original: the message, the prompt's tokens, and,
/// for a gateway's identifier, the model and the output tokens.
type SideKey<'a> = (MessageKey<'a>, i64, Option<(Option<Cow<'a, str>>, i64)>);

impl<'a> Responses<'a> {
    /// Adds the data of one line. A line without a `message.id` is a separate response.
    pub(crate) fn add(&mut self, response: Response<'a>) {
        let Some(message) = message_key(&response) else {
            self.responses.push(response);
            return;
        };
        let is_told = response.request_id.is_some() || response.is_vendors();
        let request = Request {
            message,
            request_id: response.request_id.clone(),
            model: if is_told { None } else { response.model.clone() },
        };
        let place = *self.by_request.entry(request).or_insert(self.responses.len());
        match self.responses.get_mut(place) {
            Some(known) => known.merge(response),
            None => self.responses.push(response),
        }
    }

    /// The distinct responses. Copies without a request, and copies under a request of their own, are merged into their
    /// originals.
    pub(crate) fn into_vec(self) -> Vec<Response<'a>> {
        let requested = merge_copies(self.responses, vendors_key, |response| response.request_id.is_some());
        merge_copies(requested, side_key, |response| !response.is_sidechain)
    }
}

/// Merges each copy into the first original with the same key, if there is one.
fn merge_copies<'a, K: Eq + Hash>(
    responses: Vec<Response<'a>>,
    key: impl Fn(&Response<'a>) -> Option<K>,
    is_original: impl Fn(&Response<'a>) -> bool,
) -> Vec<Response<'a>> {
    let (mut distinct, others): (Vec<_>, Vec<_>) = responses.into_iter().partition(is_original);
    if others.is_empty() {
        return distinct;
    }
    let mut originals = HashMap::new();
    for (place, response) in distinct.iter().enumerate() {
        if let Some(key) = key(response) {
            originals.entry(key).or_insert(place);
        }
    }
    for response in others {
        match key(&response).and_then(|key| originals.get(&key)) {
            Some(place) => distinct[*place].merge(response),
            None => distinct.push(response),
        }
    }
    distinct
}

fn message_key<'a>(response: &Response<'a>) -> Option<MessageKey<'a>> {
    Some((response.message_id.clone()?, response.iteration))
}

/// Vendors use an identifier only once, so a line without a request belongs to the response with the same identifier.
fn vendors_key<'a>(response: &Response<'a>) -> Option<MessageKey<'a>> {
    message_key(response).filter(|_| response.is_vendors())
}

/// The transcript of a side question repeats its parent's messages under its own request. A gateway may give all
/// responses the same identifier, but hardly the same counts.
fn side_key<'a>(response: &Response<'a>) -> Option<SideKey<'a>> {
    response.request_id.as_ref()?;
    let counts = (!response.is_vendors()).then(|| (response.model.clone(), response.tokens.output));
    Some((message_key(response)?, response.tokens.prompt(), counts))
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
        assert_eq!(distinct(lines.into_iter().rev()), [(10, false), (4, true)]);
    }

    #[test]
    fn sidechains_alone_repeat_nothing() {
        let lines = ["r1", "r2", "r3"].map(|request| response(Some("relay"), Some(request), 10, true));
        assert_eq!(distinct(lines).len(), 3);
    }

    #[test]
    fn a_sidechain_with_another_answer_is_another_response_of_a_gateway() {
        let lines = [("r1", 10, false), ("r2", 11, true)]
            .map(|(request, output, side)| response(Some("relay"), Some(request), output, side));
        assert_eq!(distinct(lines).len(), 2);
    }

    #[test]
    fn a_vendors_message_needs_no_request() {
        let lines = [
            response(Some("msg_1"), None, 12, true),
            response(Some("msg_1"), Some("r1"), 10, false),
            response(Some("msg_1"), None, 3, false),
            response(Some("msg_2"), None, 5, false),
        ];
        let mut responses = Responses::default();
        lines.into_iter().for_each(|line| responses.add(line));
        let told: Vec<_> = responses
            .into_vec()
            .into_iter()
            .map(|response| (response.request_id, response.tokens.output))
            .collect();
        assert_eq!(told, [(None, 5), (Some(Cow::Borrowed("r1")), 12)]);
    }

    #[test]
    fn models_under_one_identifier_are_responses_of_their_own() {
        let of_model = |model: &'static str| Response {
            model: Some(Cow::Borrowed(model)),
            ..response(Some("relay"), None, 10, false)
        };
        assert_eq!(
            distinct([of_model("opus"), of_model("haiku"), of_model("opus")]).len(),
            2
        );
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
    fn data_of_only_one_line_is_kept() {
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

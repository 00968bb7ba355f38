//! What the responses of a page cost, as far as the processor `usage` knows.

use std::collections::{BTreeSet, HashMap};

use maud::{Markup, html};

use crate::{
    amounts::{dollars, grouped},
    conversation::{Entry, Response, Tokens},
    http::{
        answer::Refusal,
        reading::{QUERY_LIMITS, in_time},
    },
    names::SessionKey,
    state::{ResponseCost, ResponseKey},
    web::{parts::foreign, state::Web},
};

/// The costs of the responses of a page.
#[derive(Debug, Default)]
pub(super) struct Costs {
    known: HashMap<ResponseKey, ResponseCost>,
    /// Why none are known, unless nobody has any.
    silent: Option<String>,
}

impl Costs {
    /// Asks for the costs, within the limits of a query. If that takes too long, the page is shown without them.
    pub(super) async fn of(web: &Web, session: SessionKey, entries: &[Entry]) -> Self {
        let responses = entries.iter().filter_map(|entry| entry.response.as_ref()?.id.as_ref());
        let messages: BTreeSet<String> = responses.map(|id| id.names().0.to_owned()).collect();
        if messages.is_empty() {
            return Self::default();
        }
        let messages: Vec<String> = messages.into_iter().collect();
        let costs = in_time(&web.service, move |reader| {
            Ok(reader.costs_in(&session, &messages, QUERY_LIMITS)?)
        });
        match costs.await {
            Ok(known) => Self { known, silent: None },
            Err(Refusal { detail, .. }) => Self {
                known: HashMap::new(),
                silent: Some(detail),
            },
        }
    }

    /// Tells why no costs are shown, if there may be some.
    pub(super) fn told(&self) -> Markup {
        html! {
            @if let Some(why) = &self.silent { p.note.bad role="alert" { "No costs are shown: " (foreign(why)) } }
        }
    }

    fn find(&self, response: &Response) -> Option<&ResponseCost> {
        let (message, request) = response.id.as_ref()?.names();
        let key = (message.to_owned(), request.map(str::to_owned));
        self.known.get(&key).or_else(|| {
            let mut others = self.known.iter().filter(|((known, _), _)| known == message);
            others.next().map(|(_, cost)| cost)
        })
    }

    /// The tokens and the cost of a response, and the totals until then.
    pub(super) fn shown(&self, response: &Response) -> Markup {
        let known = self.find(response);
        let tokens = known.map_or(response.tokens, |known| Tokens {
            input: known.input,
            output: known.output,
            cache_read: known.cache_read,
            cache_write: known.cache_write,
        });
        html! {
            @if known.is_some() || response.has_tokens() {
                p.cost {
                    (count(tokens.input)) " in, " (count(tokens.output)) " out, " (count(tokens.cache_read)) " from the cache, "
                    (count(tokens.cache_write)) " to it"
                    @if let Some(known) = known {
                        @if let Some(cost) = known.cost { "; " (dollars(cost, 4)) }
                        ". So far " (count(known.tokens_so_far)) " tokens"
                        @if let Some(cost) = known.cost_so_far { ", " (dollars(cost, 4)) }
                    }
                    "."
                }
            }
        }
    }
}

fn count(tokens: i64) -> String {
    grouped(u64::try_from(tokens).unwrap_or(0))
}

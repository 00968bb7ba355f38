//! What a response costs.

use std::collections::BTreeMap;

use serde::Deserialize;
use session_plugin_api::Result;

use crate::tokens::Tokens;

/// The prices of models, by the beginnings of their names.
#[derive(Debug, Default)]
pub(crate) struct Prices(BTreeMap<String, Price>);

/// What a model costs, in USD per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Price {
    input: f64,
    output: f64,
    cache_read: f64,
    cache_write_5m: f64,
    cache_write_1h: f64,
}

impl Prices {
    /// The published prices, with those of `overrides` added or put in their place.
    pub(crate) fn with_overrides(overrides: BTreeMap<String, Price>) -> Result<Self> {
        let mut prices: BTreeMap<String, Price> = toml::from_str(include_str!("prices.toml"))?;
        prices.extend(overrides);
        Ok(Self(prices))
    }

    /// What a response of this model costs in USD; `None` when the model's price is unknown.
    pub(crate) fn cost(&self, model: &str, tokens: &Tokens) -> Option<f64> {
        let fitting = self.0.iter().filter(|(prefix, _)| model.starts_with(prefix.as_str()));
        let (_, price) = fitting.max_by_key(|(prefix, _)| prefix.len())?;
        Some(price.cost(tokens))
    }
}

impl Price {
    fn cost(&self, tokens: &Tokens) -> f64 {
        let per_million = self.input * tokens.input as f64
            + self.output * tokens.output as f64
            + self.cache_read * tokens.cache_read as f64
            + self.cache_write_5m * tokens.cache_creation_5m as f64
            + self.cache_write_1h * tokens.cache_creation_1h as f64;
        per_million / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published() -> Prices {
        Prices::with_overrides(BTreeMap::new()).unwrap()
    }

    fn million_of_input(prices: &Prices, model: &str) -> Option<f64> {
        let tokens = Tokens {
            input: 1_000_000,
            ..Tokens::default()
        };
        prices.cost(model, &tokens)
    }

    #[test]
    fn the_longest_prefix_counts() {
        let prices = published();
        assert_eq!(million_of_input(&prices, "claude-opus-4-20250514"), Some(15.0));
        assert_eq!(million_of_input(&prices, "claude-opus-4-5-20251101"), Some(5.0));
        let claude = toml::from_str(
            "claude = { input = 9, output = 9, cache_read = 9, cache_write_5m = 9, cache_write_1h = 9 }",
        );
        let prices = Prices::with_overrides(claude.unwrap()).unwrap();
        assert_eq!(million_of_input(&prices, "claude-opus-4-5"), Some(5.0));
        assert_eq!(million_of_input(&prices, "claude-next"), Some(9.0));
    }

    #[test]
    fn each_kind_of_token_has_its_price() {
        let tokens = Tokens {
            input: 1_000,
            output: 100,
            cache_read: 10_000,
            cache_creation: 3_000,
            cache_creation_5m: 1_000,
            cache_creation_1h: 2_000,
        };
        let cost = published().cost("claude-sonnet-4-5-20250929", &tokens).unwrap();
        assert!(
            (cost - (0.003 + 0.0015 + 0.003 + 0.00375 + 0.012)).abs() < 1e-12,
            "{cost}"
        );
    }

    #[test]
    fn an_unknown_model_has_no_price() {
        for model in ["", "<synthetic>", "opus", "claude"] {
            assert_eq!(million_of_input(&published(), model), None, "{model}");
        }
    }

    #[test]
    fn an_override_takes_the_place_of_a_published_price() {
        let overrides = toml::from_str(
            "[claude-opus-4-6]\ninput = 1\noutput = 2\ncache_read = 3\ncache_write_5m = 4\ncache_write_1h = 5",
        );
        let prices = Prices::with_overrides(overrides.unwrap()).unwrap();
        assert_eq!(million_of_input(&prices, "claude-opus-4-6"), Some(1.0));
        assert_eq!(million_of_input(&prices, "claude-opus-4-5"), Some(5.0));
    }

    #[test]
    fn an_hour_in_the_cache_costs_twice_the_input() {
        for (prefix, price) in published().0 {
            assert_eq!(price.cache_write_1h, 2.0 * price.input, "{prefix}");
        }
    }
}

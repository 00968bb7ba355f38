//! Reads the price list that ships with the plugin. `scripts/update-prices` writes it.

use std::collections::BTreeMap;

use serde::Deserialize;
use session_plugin_api::Result;

/// The models with known prices.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceList {
    /// The models, in any order.
    #[serde(rename = "model")]
    pub(crate) models: Vec<ListedModel>,
}

/// A model with its names and prices.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListedModel {
    /// The vendor's name for it, without a date.
    pub(crate) name: String,
    /// The vendor, for human readers.
    #[serde(rename = "vendor")]
    _vendor: String,
    /// The source of the figures.
    pub(crate) source: String,
    /// Other names of the model.
    #[serde(default)]
    pub(crate) aliases: Vec<String>,
    /// The factors for the names of Bedrock's regions.
    #[serde(default)]
    pub(crate) regional: BTreeMap<String, f64>,
    /// The factors for responses that record where they were computed.
    #[serde(default)]
    pub(crate) inference_geo: BTreeMap<String, f64>,
    /// Its prices, each with a period and a mode.
    pub(crate) prices: Vec<ListedPrice>,
}

impl ListedModel {
    /// A model from the configuration.
    pub(crate) fn configured(name: &str, prices: Vec<ListedPrice>) -> Self {
        Self {
            name: name.to_owned(),
            _vendor: String::new(),
            source: "configuration".to_owned(),
            aliases: Vec::new(),
            regional: BTreeMap::new(),
            inference_geo: BTreeMap::new(),
            prices,
        }
    }
}

/// A price and the responses that it applies to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListedPrice {
    /// The mode of the request.
    #[serde(default)]
    pub(crate) mode: Mode,
    /// The first day of validity, `YYYY-MM-DD` in UTC; `None` for the first price.
    #[serde(default)]
    pub(crate) from: Option<String>,
    /// The minutes of the day in UTC: from the first, up to but not including the second.
    #[serde(default = "whole_day")]
    pub(crate) minutes: (i64, i64),
    /// The price applies to prompts of more tokens than this.
    #[serde(default)]
    pub(crate) above: i64,
    pub(crate) input: f64,
    pub(crate) output: f64,
    pub(crate) cache_read: f64,
    pub(crate) cache_write_5m: f64,
    pub(crate) cache_write_1h: f64,
    /// The price in USD per request.
    #[serde(default)]
    pub(crate) web_search: f64,
}

/// The mode of a request, if the mode affects the price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// No special mode.
    #[default]
    Standard,
    /// In fast mode.
    Fast,
    /// In a batch.
    Batch,
}

impl Mode {
    /// All modes.
    pub(crate) const ALL: [Self; 3] = [Self::Standard, Self::Fast, Self::Batch];

    /// The name of the mode in the tables.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Fast => "fast",
            Self::Batch => "batch",
        }
    }
}

impl PriceList {
    /// The published list.
    ///
    /// # Errors
    /// When the list is not in the script's format.
    pub(crate) fn published() -> Result<Self> {
        Ok(toml::from_str(include_str!("../prices/list.toml"))?)
    }
}

/// All minutes of a day.
pub(crate) const fn whole_day() -> (i64, i64) {
    (0, 24 * 60)
}

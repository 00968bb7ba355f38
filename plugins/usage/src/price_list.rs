//! The price list that comes with the plugin, as `scripts/update-prices` writes it.

use std::collections::BTreeMap;

use serde::Deserialize;
use session_plugin_api::Result;

/// The models whose prices are known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceList {
    /// In no order that matters.
    #[serde(rename = "model")]
    pub(crate) models: Vec<ListedModel>,
}

/// A model: its names and its prices.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListedModel {
    /// The name that its vendor gives it, without a date.
    pub(crate) name: String,
    /// Who makes it, for people.
    #[serde(rename = "vendor")]
    _vendor: String,
    /// Where the figures are from.
    pub(crate) source: String,
    /// Further names of it.
    #[serde(default)]
    pub(crate) aliases: Vec<String>,
    /// What multiplies its prices under the names of Bedrock's regions.
    #[serde(default)]
    pub(crate) regional: BTreeMap<String, f64>,
    /// What multiplies its prices where a response says where it was computed.
    #[serde(default)]
    pub(crate) inference_geo: BTreeMap<String, f64>,
    /// What it costs when, and how.
    pub(crate) prices: Vec<ListedPrice>,
}

impl ListedModel {
    /// A model that the configuration tells of.
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

/// A price and what it is for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListedPrice {
    /// How the response was asked for.
    #[serde(default)]
    pub(crate) mode: Mode,
    /// The first day on which it holds, `YYYY-MM-DD` in UTC; `None` for the first price.
    #[serde(default)]
    pub(crate) from: Option<String>,
    /// The minutes of the day in UTC, from the first and before the second.
    #[serde(default = "whole_day")]
    pub(crate) minutes: (i64, i64),
    /// Prompts of more tokens than these.
    #[serde(default)]
    pub(crate) above: i64,
    pub(crate) input: f64,
    pub(crate) output: f64,
    pub(crate) cache_read: f64,
    pub(crate) cache_write_5m: f64,
    pub(crate) cache_write_1h: f64,
    /// USD per request.
    #[serde(default)]
    pub(crate) web_search: f64,
}

/// How a response was asked for, as far as that has a price of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// In no special way.
    #[default]
    Standard,
    /// In fast mode.
    Fast,
    /// In a batch.
    Batch,
}

impl Mode {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Standard, Self::Fast, Self::Batch];

    /// The mode as the tables name it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Fast => "fast",
            Self::Batch => "batch",
        }
    }
}

impl PriceList {
    /// The list.
    ///
    /// # Errors
    /// When it is not what the script writes.
    pub(crate) fn published() -> Result<Self> {
        Ok(toml::from_str(include_str!("../prices/list.toml"))?)
    }
}

/// The minutes of a day.
pub(crate) const fn whole_day() -> (i64, i64) {
    (0, 24 * 60)
}

//! The processor's section of the configuration.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::{
    catalogue::FleaEntity,
    prices::{CostSetting, Price},
};

/// The operator's settings.
///
/// ```toml
/// curated_plugins = ["bakery"]
/// flea_entities = { tidy = "skill", garden = "plugin" }
/// cost = "auto"
///
/// [prices.house-model]
/// input = 1.0
/// output = 5.0
/// cache_read = 0.1
/// cache_write_5m = 1.25
/// cache_write_1h = 2.0
/// ```
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// Plugins whose items have the source `curated`.
    pub(crate) curated_plugins: BTreeSet<String>,
    /// Names and types of the items that have the source `flea`.
    pub(crate) flea_entities: BTreeMap<String, FleaEntity>,
    /// Which cost of a response counts.
    pub(crate) cost: CostSetting,
    /// Prices of models by name, in USD per million tokens. They add to the published prices, or replace them.
    pub(crate) prices: BTreeMap<String, Price>,
}

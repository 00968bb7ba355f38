//! The rows of the price tables: the published list, and the operator's settings.

use std::collections::BTreeMap;

use serde::Deserialize;
use session_plugin_api::{Error, ReferenceTables, Result, row};

use crate::{
    price_list::{ListedModel, ListedPrice, Mode, PriceList, whole_day},
    schema::{USAGE_COST_SETTING, USAGE_PRICE_FACTORS, USAGE_PRICE_NAMES, USAGE_PRICES},
};

/// The settings for costs.
#[derive(Debug, Default)]
pub(crate) struct Pricing {
    /// The cost that counts.
    pub(crate) cost: CostSetting,
    /// Prices of models. They add to the published prices, or replace them.
    pub(crate) overrides: BTreeMap<String, Price>,
}

/// Which cost of a response counts: the one recorded in its line, or the one calculated from the price list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CostSetting {
    /// The recorded cost if there is one, else the calculated cost.
    #[default]
    Auto,
    /// Always the calculated cost.
    Calculate,
    /// Always the recorded cost.
    Recorded,
}

/// The price of a model, in USD per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Price {
    input: f64,
    output: f64,
    cache_read: f64,
    cache_write_5m: f64,
    cache_write_1h: f64,
}

row! {
    /// A row of `usage_prices`.
    #[derive(Debug, PartialEq)]
    struct PriceRow<'a> {
        model: &'a str,
        mode: &'static str,
        valid_from: Option<&'a str>,
        valid_until: Option<&'a str>,
        minute_from: i64,
        minute_until: i64,
        prompt_from: i64,
        prompt_until: Option<i64>,
        input: f64,
        output: f64,
        cache_read: f64,
        cache_write_5m: f64,
        cache_write_1h: f64,
        web_search: f64,
        source: &'a str,
    }
}

row! {
    /// A row of `usage_price_names`.
    struct NameRow<'a> {
        name: &'a str,
        model: &'a str,
    }
}

row! {
    /// A row of `usage_price_factors`.
    struct FactorRow<'a> {
        model: &'a str,
        circumstance: &'static str,
        value: &'a str,
        factor: f64,
    }
}

row! {
    /// The row of `usage_cost_setting`.
    struct SettingRow {
        cost: &'static str,
    }
}

impl Pricing {
    /// Checks the settings for costs.
    ///
    /// # Errors
    /// When a price is negative or not finite, or two names mean the same model.
    pub(crate) fn new(cost: CostSetting, overrides: BTreeMap<String, Price>) -> Result<Self> {
        let mut known = BTreeMap::new();
        for (name, price) in &overrides {
            if let Some((field, amount)) = price.amounts().into_iter().find(|(_, amount)| !is_amount(*amount)) {
                return Err(Error::new(format!(
                    "prices.{name:?}.{field} is {amount}; set it to USD per million tokens, 0 or more"
                )));
            }
            if let Some(other) = known.insert(key(name), name) {
                return Err(Error::new(format!(
                    "prices.{other:?} and prices.{name:?} name the same model; remove one of them"
                )));
            }
        }
        Ok(Self { cost, overrides })
    }

    /// Hands over the rows of all tables.
    ///
    /// # Errors
    /// When the published list cannot be read, or the host rejects the rows.
    pub(crate) fn give(&self, tables: &mut ReferenceTables<'_>) -> Result<()> {
        let models = self.models()?;
        tables.replace(USAGE_PRICES, models.iter().flat_map(price_rows))?;
        let names = names(&models);
        let names = names.iter().map(|(name, model)| NameRow { name, model });
        tables.replace(USAGE_PRICE_NAMES, names)?;
        tables.replace(USAGE_PRICE_FACTORS, models.iter().flat_map(factor_rows))?;
        let cost = self.cost.as_str();
        tables.replace(USAGE_COST_SETTING, [SettingRow { cost }])
    }

    /// The published models, followed by those of the configuration. Configured names take precedence over equal
    /// published ones.
    fn models(&self) -> Result<Vec<ListedModel>> {
        let mut models = PriceList::published()?.models;
        models.retain(|model| !self.overrides.keys().any(|name| key(name) == key(&model.name)));
        let overrides = self.overrides.iter();
        models.extend(overrides.map(|(name, price)| price.as_model(name)));
        Ok(models)
    }
}

impl CostSetting {
    fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Calculate => "calculate",
            Self::Recorded => "recorded",
        }
    }
}

impl Price {
    /// The amounts, with the names of their settings.
    fn amounts(&self) -> [(&'static str, f64); 5] {
        [
            ("input", self.input),
            ("output", self.output),
            ("cache_read", self.cache_read),
            ("cache_write_5m", self.cache_write_5m),
            ("cache_write_1h", self.cache_write_1h),
        ]
    }

    /// A model with this price in all circumstances.
    fn as_model(self, name: &str) -> ListedModel {
        let price = |mode| ListedPrice {
            mode,
            from: None,
            minutes: whole_day(),
            above: 0,
            input: self.input,
            output: self.output,
            cache_read: self.cache_read,
            cache_write_5m: self.cache_write_5m,
            cache_write_1h: self.cache_write_1h,
            web_search: 0.0,
        };
        ListedModel::configured(name, Mode::ALL.map(price).into())
    }
}

fn is_amount(usd: f64) -> bool {
    usd.is_finite() && usd >= 0.0
}

/// The key that identifies a model by name. The views use the same key.
fn key(name: &str) -> String {
    name.to_lowercase().replace('.', "-")
}

fn names(models: &[ListedModel]) -> BTreeMap<String, &str> {
    let names = models.iter().flat_map(|model| {
        let names = model.aliases.iter().chain([&model.name]);
        names.map(|name| (key(name), model.name.as_str()))
    });
    names.collect()
}

fn factor_rows(model: &ListedModel) -> impl Iterator<Item = FactorRow<'_>> {
    let regional = model.regional.iter().map(|pair| ("region", pair));
    let geo = model.inference_geo.iter().map(|pair| ("inference_geo", pair));
    regional.chain(geo).map(|(circumstance, (value, factor))| FactorRow {
        model: &model.name,
        circumstance,
        value,
        factor: *factor,
    })
}

fn price_rows(model: &ListedModel) -> impl Iterator<Item = PriceRow<'_>> {
    model.prices.iter().map(|price| PriceRow {
        model: &model.name,
        mode: price.mode.as_str(),
        valid_from: price.from.as_deref(),
        valid_until: next_day(model, price),
        minute_from: price.minutes.0,
        minute_until: price.minutes.1,
        prompt_from: match price.above {
            0 => 0,
            above => above + 1,
        },
        prompt_until: next_tier(model, price).map(|above| above + 1),
        input: price.input,
        output: price.output,
        cache_read: price.cache_read,
        cache_write_5m: price.cache_write_5m,
        cache_write_1h: price.cache_write_1h,
        web_search: price.web_search,
        source: &model.source,
    })
}

/// The first day on which a price no longer applies. Days compare as texts, and the first price, which has no day,
/// comes before all others.
fn next_day<'a>(model: &'a ListedModel, price: &ListedPrice) -> Option<&'a str> {
    let same_mode = model.prices.iter().filter(|other| other.mode == price.mode);
    let later = same_mode.filter(|other| other.from > price.from);
    later.filter_map(|other| other.from.as_deref()).min()
}

/// The prompt size above which another price applies.
fn next_tier(model: &ListedModel, price: &ListedPrice) -> Option<i64> {
    let is_beside = |other: &&ListedPrice| {
        (other.mode, &other.from, other.minutes) == (price.mode, &price.from, price.minutes)
            && other.above > price.above
    };
    let beside = model.prices.iter().filter(is_beside);
    beside.map(|other| other.above).min()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn published() -> Vec<ListedModel> {
        Pricing::default().models().unwrap()
    }

    fn rows_of<'a>(models: &'a [ListedModel], name: &str) -> Vec<PriceRow<'a>> {
        let model = models.iter().find(|model| model.name == name);
        price_rows(model.unwrap()).collect()
    }

    fn overriding(name: &str) -> Pricing {
        let price = "input = 1\noutput = 2\ncache_read = 3\ncache_write_5m = 4\ncache_write_1h = 5";
        Pricing {
            overrides: BTreeMap::from([(name.to_owned(), toml::from_str(price).unwrap())]),
            ..Pricing::default()
        }
    }

    /// Whether two rows can apply to one response.
    fn overlap(a: &PriceRow<'_>, b: &PriceRow<'_>) -> bool {
        let meets =
            |until: Option<&str>, from: Option<&str>| until.is_none_or(|until| from.is_none_or(|from| from < until));
        a.mode == b.mode
            && meets(a.valid_until, b.valid_from)
            && meets(b.valid_until, a.valid_from)
            && a.minute_from < b.minute_until
            && b.minute_from < a.minute_until
            && b.prompt_until.is_none_or(|until| a.prompt_from < until)
            && a.prompt_until.is_none_or(|until| b.prompt_from < until)
    }

    #[test]
    fn one_price_holds_for_a_response_at_most() {
        for model in published() {
            let rows: Vec<_> = price_rows(&model).collect();
            for (place, row) in rows.iter().enumerate() {
                let other = rows[..place].iter().find(|other| overlap(row, other));
                assert_eq!(other, None, "{row:?}");
            }
        }
    }

    #[test]
    fn a_standard_price_holds_at_every_time_for_every_prompt() {
        for model in published() {
            let standard: Vec<_> = price_rows(&model).filter(|row| row.mode == "standard").collect();
            let days: BTreeSet<_> = standard.iter().map(|row| row.valid_from).collect();
            assert!(days.contains(&None), "{}", model.name);
            for day in days {
                let small = standard
                    .iter()
                    .filter(|row| row.valid_from == day && row.prompt_from == 0);
                let minutes: i64 = small.map(|row| row.minute_until - row.minute_from).sum();
                assert_eq!(minutes, 24 * 60, "{} from {day:?}", model.name);
            }
        }
    }

    #[test]
    fn a_name_is_one_models() {
        let models = published();
        let all: usize = models.iter().map(|model| 1 + model.aliases.len()).sum();
        assert_eq!(names(&models).len(), all);
    }

    #[test]
    fn a_price_holds_until_the_next_and_a_tier_to_the_next() {
        let models = published();
        let rows = rows_of(&models, "claude-opus-4-6");
        let told = rows.iter().filter(|row| row.mode == "standard");
        let told: Vec<_> = told
            .map(|row| {
                (
                    row.valid_from,
                    row.valid_until,
                    row.prompt_from,
                    row.prompt_until,
                    row.input,
                )
            })
            .collect();
        let change = Some("2026-03-13");
        assert_eq!(
            told,
            [
                (None, change, 0, Some(200_001), 5.0),
                (None, change, 200_001, None, 10.0),
                (change, None, 0, None, 5.0),
            ]
        );
    }

    #[test]
    fn an_override_takes_the_place_of_a_published_price_in_all_circumstances() {
        let models = overriding("Claude-Opus-4.6").models().unwrap();
        assert!(models.iter().all(|model| model.name != "claude-opus-4-6"));
        let rows = rows_of(&models, "Claude-Opus-4.6");
        let modes: Vec<_> = rows
            .iter()
            .map(|row| (row.mode, row.input, row.cache_write_1h))
            .collect();
        assert_eq!(modes, [("standard", 1.0, 5.0), ("fast", 1.0, 5.0), ("batch", 1.0, 5.0)]);
        assert_eq!(names(&models)["claude-opus-4-6"], "Claude-Opus-4.6");
    }

    #[test]
    fn an_invalid_price_is_refused_by_its_key() {
        for amount in ["-1.0", "nan", "inf"] {
            let price = format!("input = 1\noutput = {amount}\ncache_read = 3\ncache_write_5m = 4\ncache_write_1h = 5");
            let overrides = BTreeMap::from([("house-x".to_owned(), toml::from_str(&price).unwrap())]);
            let error = Pricing::new(CostSetting::Auto, overrides).unwrap_err();
            assert!(error.to_string().contains("prices.\"house-x\".output"), "{error}");
        }
    }

    #[test]
    fn two_names_of_one_model_are_refused() {
        let overrides = ["house.x", "House-X"]
            .into_iter()
            .flat_map(|name| overriding(name).overrides);
        let error = Pricing::new(CostSetting::Auto, overrides.collect()).unwrap_err();
        assert!(
            error.to_string().contains("\"House-X\" and prices.\"house.x\""),
            "{error}"
        );
    }

    #[test]
    fn an_override_of_another_name_of_a_model_is_of_that_name_alone() {
        let models = overriding("claude-sonnet-4").models().unwrap();
        let names = names(&models);
        assert_eq!(names["claude-sonnet-4"], "claude-sonnet-4");
        assert_eq!(names["claude-sonnet-4-0"], "claude-sonnet-4-0");
    }
}

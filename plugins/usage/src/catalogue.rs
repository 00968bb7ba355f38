//! Attributes skills, subagents and slash commands to their source, because transcripts do not name it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// The configured plugins and items whose use is attributed to them.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    /// The plugins that an operator chose for everyone.
    pub(crate) curated_plugins: BTreeSet<String>,
    /// The items that people share on the flea market.
    pub(crate) flea_entities: BTreeMap<String, FleaEntity>,
}

/// The type of an item on the flea market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FleaEntity {
    /// One skill, named `flea:NAME`.
    Skill,
    /// One subagent, named `flea:NAME`.
    Agent,
    /// A plugin, whose items are named `NAME:item`.
    Plugin,
}

/// The source of an invoked item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attribution<'a> {
    /// `curated`, `flea` or `builtin`.
    pub(crate) source: &'static str,
    /// The plugin, or `None` for an item without a plugin.
    pub(crate) ref_id: Option<&'a str>,
}

impl Catalogue {
    /// Attributes the first identifier that the catalogue knows. If it knows none, the source is `builtin`.
    pub(crate) fn attribute<'i>(&self, identifiers: impl IntoIterator<Item = &'i str>) -> Attribution<'_> {
        const BUILTIN: Attribution<'_> = Attribution {
            source: "builtin",
            ref_id: None,
        };
        let mut identifiers = identifiers.into_iter();
        identifiers
            .find_map(|identifier| self.resolve(identifier))
            .unwrap_or(BUILTIN)
    }

    fn resolve(&self, identifier: &str) -> Option<Attribution<'_>> {
        let (prefix, local) = identifier.split_once(':')?;
        if prefix == "flea" && self.flea_entities.contains_key(local) {
            return Some(Attribution {
                source: "flea",
                ref_id: None,
            });
        }
        if let Some(plugin) = self.curated_plugins.get(prefix) {
            return Some(Attribution {
                source: "curated",
                ref_id: Some(plugin),
            });
        }
        match self.flea_entities.get_key_value(prefix)? {
            (plugin, FleaEntity::Plugin) => Some(Attribution {
                source: "flea",
                ref_id: Some(plugin),
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(identifiers: &[&str]) -> (&'static str, Option<String>) {
        let catalogue = Catalogue {
            curated_plugins: BTreeSet::from(["bakery".to_owned()]),
            flea_entities: BTreeMap::from([
                ("tidy".to_owned(), FleaEntity::Skill),
                ("critic".to_owned(), FleaEntity::Agent),
                ("garden".to_owned(), FleaEntity::Plugin),
            ]),
        };
        let attribution = catalogue.attribute(identifiers.iter().copied());
        (attribution.source, attribution.ref_id.map(str::to_owned))
    }

    #[test]
    fn a_catalogued_item_is_flea_by_itself() {
        assert_eq!(attribute(&["flea:tidy"]), ("flea", None));
        assert_eq!(attribute(&["flea:garden"]), ("flea", None));
        assert_eq!(attribute(&["flea:unheard"]), ("builtin", None));
    }

    #[test]
    fn a_plugins_item_refers_to_the_plugin() {
        assert_eq!(attribute(&["bakery:bread"]), ("curated", Some("bakery".to_owned())));
        assert_eq!(attribute(&["garden:water:roses"]), ("flea", Some("garden".to_owned())));
    }

    #[test]
    fn only_a_flea_entity_of_type_plugin_has_items() {
        assert_eq!(attribute(&["tidy:all"]), ("builtin", None));
    }

    #[test]
    fn a_name_without_prefix_is_builtin() {
        assert_eq!(attribute(&["bakery"]), ("builtin", None));
        assert_eq!(attribute(&[]), ("builtin", None));
    }

    #[test]
    fn the_first_that_resolves_counts() {
        assert_eq!(
            attribute(&["plain", "other:x", "garden:a", "bakery:b"]),
            ("flea", Some("garden".to_owned()))
        );
    }
}

//! The values that the host found by itself, because nobody set them.

use std::path::Path;

use toml::Value;

use super::{
    Configured,
    plugins_directory::{find, listed},
    settings::data_directory,
};
use crate::sessions::{Discovery, name_of_this_user};

/// A value that the host found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundValue {
    /// The key that would set it.
    pub key: &'static str,
    /// The value, as TOML; `None` if nothing is found.
    pub value: Option<String>,
    /// Where it comes from, or where the host looked.
    pub origin: String,
}

impl Configured {
    /// The values that the host finds for the keys that are not set.
    #[must_use]
    pub fn found(&self) -> Vec<FoundValue> {
        let set = self.flags.clone().or(self.variables.clone()).or(self.file.clone());
        let mut found = Vec::new();
        if set.sessions.is_none() {
            let discovery = Discovery::of_this_user();
            found.extend(sessions(&discovery));
            if set.username.is_none() && !discovery.found().is_empty() {
                found.push(FoundValue {
                    key: "username",
                    value: Some(Value::String(name_of_this_user()).to_string()),
                    origin: "found: the user of this process".to_owned(),
                });
            }
        }
        // Without a home directory, the settings cannot be used at all.
        if let (None, Ok(data)) = (set.plugins, data_directory(set.data)) {
            found.push(plugins(&self.path, &data));
        }
        found
    }
}

fn sessions(discovery: &Discovery) -> Vec<FoundValue> {
    if discovery.found().is_empty() {
        let looked_at = discovery.looked_at();
        return vec![FoundValue {
            key: "sessions",
            value: None,
            origin: format!("not found: looked for {looked_at}"),
        }];
    }
    let found = discovery.found().iter().map(|place| FoundValue {
        key: "sessions",
        value: Some(path_as_toml(&place.folder)),
        origin: format!("found: {}", place.named_by),
    });
    found.collect()
}

fn plugins(configuration: &Path, data: &Path) -> FoundValue {
    let (value, origin) = match find(configuration, data) {
        Ok(place) => (Some(path_as_toml(&place.folder)), format!("found: {}", place.r#where)),
        Err(places) => (None, format!("not found: looked for {}", listed(&places))),
    };
    FoundValue {
        key: "plugins",
        value,
        origin,
    }
}

fn path_as_toml(path: &Path) -> String {
    Value::String(path.display().to_string()).to_string()
}

//! The members of a JSON object, in their order.

use std::{borrow::Cow, fmt};

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use session_plugin_api::transcript::Json;

/// How many members are shown one by one.
const MOST: usize = 100;

/// The members of an object.
struct Members<'a>(Vec<(String, Json<'a>)>);

/// The members of an object; `None` if the value is none, or has more than anybody reads one by one.
pub(super) fn members(json: Json<'_>) -> Option<Vec<(String, Json<'_>)>> {
    json.parse::<Members<'_>>().ok().map(|members| members.0)
}

/// The text of a member.
pub(super) fn text<'a>(json: Json<'a>, key: &str) -> Option<Cow<'a, str>> {
    Some(json.get(key)?.text()?.decode())
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, Json<'de>>()? {
                    if members.len() == MOST {
                        return Err(A::Error::custom("too many members"));
                    }
                    members.push((key, value));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

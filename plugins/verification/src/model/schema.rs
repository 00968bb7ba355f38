//! Creates JSON schemas, with only the parts of the language that both formats support.

use serde_json::{Map, Value, json};

/// An object with these properties. All are required, and no others are allowed.
pub(crate) fn object(properties: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> = properties
        .iter()
        .map(|(name, schema)| ((*name).to_owned(), schema.clone()))
        .collect();
    json!({"type": "object", "properties": properties, "required": names, "additionalProperties": false})
}

/// A non-empty text with at most `longest` characters.
///
/// The description repeats the limits, because schemas of the `openai` format cannot contain them.
pub(crate) fn text(longest: usize) -> Value {
    let description = format!("1 to {longest} characters");
    json!({"type": "string", "minLength": 1, "maxLength": longest, "description": description})
}

/// A text with at most `longest` characters.
pub(crate) fn at_most(longest: usize) -> Value {
    json!({"type": "string", "maxLength": longest, "description": format!("at most {longest} characters")})
}

/// One of these texts.
pub(crate) fn one_of(texts: impl IntoIterator<Item = impl Into<Value>>) -> Value {
    json!({"type": "string", "enum": texts.into_iter().map(Into::into).collect::<Vec<Value>>()})
}

/// A list with at most `most` elements.
pub(crate) fn list(items: Value, most: usize) -> Value {
    json!({"type": "array", "items": items, "maxItems": most, "description": format!("at most {most} elements")})
}

/// The schema without limits on lengths, which strict schemas of the `openai` format must not contain.
pub(super) fn without_lengths(mut schema: Value) -> Value {
    remove_lengths(&mut schema);
    schema
}

fn remove_lengths(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for keyword in ["minLength", "maxLength", "minItems", "maxItems"] {
                members.remove(keyword);
            }
            members.values_mut().for_each(remove_lengths);
        }
        Value::Array(elements) => elements.iter_mut().for_each(remove_lengths),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_removed_at_any_depth_but_told_in_words() {
        let schema = object(&[("list", list(object(&[("text", text(60)), ("quote", at_most(70))]), 3))]);
        let text = json!({"type": "string", "description": "1 to 60 characters"});
        let quote = json!({"type": "string", "description": "at most 70 characters"});
        let items = object(&[("text", text), ("quote", quote)]);
        let list = json!({"type": "array", "items": items, "description": "at most 3 elements"});
        assert_eq!(without_lengths(schema), object(&[("list", list)]));
    }
}

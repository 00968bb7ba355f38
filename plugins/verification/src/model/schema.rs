//! JSON schemas in the part of the language that both formats take.

use serde_json::{Map, Value, json};

/// An object with these properties, all of them required, and no others.
pub(crate) fn object(properties: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> = properties
        .iter()
        .map(|(name, schema)| ((*name).to_owned(), schema.clone()))
        .collect();
    json!({"type": "object", "properties": properties, "required": names, "additionalProperties": false})
}

/// The schema without limits on lengths, which strict schemas of the `openai` format may not have.
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
    fn lengths_are_removed_at_any_depth() {
        let text = json!({"type": "string", "maxLength": 60});
        let schema = object(&[(
            "list",
            json!({"type": "array", "maxItems": 3, "items": object(&[("text", text)])}),
        )]);
        let expected = object(&[(
            "list",
            json!({"type": "array", "items": object(&[("text", json!({"type": "string"}))])}),
        )]);
        assert_eq!(without_lengths(schema), expected);
    }
}

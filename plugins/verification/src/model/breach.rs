//! Finds where an answer breaks the schema of its form.

use serde_json::{Map, Value};

/// A place in an answer, and the rule of the schema that it breaks. The text comes only from the schema, never from the
/// answer, so it may be shown to anyone, and to the model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place} {rule}")]
pub(crate) struct Breach {
    place: String,
    rule: String,
}

/// The maximum number of listed values.
const VALUES_LISTED: usize = 10;

/// The name of the complete answer as a place.
const ANSWER: &str = "the answer";

impl Breach {
    /// A breach by the complete answer.
    pub(super) fn of_the_answer(rule: &str) -> Self {
        Self::at(ANSWER, rule)
    }

    fn at(place: &str, rule: impl Into<String>) -> Self {
        Self {
            place: place.to_owned(),
            rule: rule.into(),
        }
    }
}

/// Checks an answer against a schema, as far as [`super::schema`] can create schemas.
///
/// # Errors
/// The first breach.
pub(super) fn check(answer: &Value, schema: &Value) -> Result<(), Breach> {
    check_value(ANSWER, answer, schema)
}

fn check_value(place: &str, value: &Value, schema: &Value) -> Result<(), Breach> {
    match (schema["type"].as_str().unwrap_or_default(), value) {
        ("object", Value::Object(members)) => check_object(place, members, schema),
        ("array", Value::Array(elements)) => check_array(place, elements, schema),
        ("string", Value::String(text)) => check_text(place, text, schema),
        (kind, _) => Err(Breach::at(place, format!("is not of the type {kind}"))),
    }
}

fn check_object(place: &str, members: &Map<String, Value>, schema: &Value) -> Result<(), Breach> {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let mut known = 0;
    for (name, schema) in properties {
        let place = match place {
            ANSWER => name.clone(),
            place => format!("{place}.{name}"),
        };
        let value = members.get(name).ok_or_else(|| Breach::at(&place, "is missing"))?;
        check_value(&place, value, schema)?;
        known += 1;
    }
    match members.len() > known {
        true => Err(Breach::at(place, "has a property that the schema does not name")),
        false => Ok(()),
    }
}

fn check_array(place: &str, elements: &[Value], schema: &Value) -> Result<(), Breach> {
    if let Some(most) = exceeded(schema, "maxItems", elements.len()) {
        return Err(Breach::at(
            place,
            format!("has {} elements, more than {most}", elements.len()),
        ));
    }
    let mut elements = elements.iter().enumerate();
    elements.try_for_each(|(index, element)| check_value(&format!("{place}[{index}]"), element, &schema["items"]))
}

fn check_text(place: &str, text: &str, schema: &Value) -> Result<(), Breach> {
    if let Some(values) = schema["enum"].as_array() {
        return match values.iter().any(|value| value == text) {
            true => Ok(()),
            false => Err(Breach::at(place, format!("is none of {}", listed(values)))),
        };
    }
    // An invisible text counts as empty.
    if schema["minLength"].as_u64() > Some(0) && text.trim().is_empty() {
        return Err(Breach::at(place, "is empty"));
    }
    let length = text.chars().count();
    match exceeded(schema, "maxLength", length) {
        Some(most) => Err(Breach::at(place, format!("has {length} characters, more than {most}"))),
        None => Ok(()),
    }
}

/// The limit with this name, if the schema has it and `length` exceeds it.
fn exceeded(schema: &Value, limit: &str, number: usize) -> Option<u64> {
    schema[limit].as_u64().filter(|most| number as u64 > *most)
}

fn listed(values: &[Value]) -> String {
    match values.len() > VALUES_LISTED {
        true => "the values that the schema lists".to_owned(),
        false => values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::schema::{at_most, list, object, one_of, text};

    fn breach(answer: &Value) -> String {
        let fact = object(&[
            ("title", text(5)),
            ("quote", at_most(3)),
            ("kind", one_of(["new", "old"])),
            ("names", list(text(4), 2)),
        ]);
        let schema = object(&[("facts", list(fact, 3))]);
        check(answer, &schema).map_or_else(|breach| breach.to_string(), |()| "none".to_owned())
    }

    fn breach_of(change: impl FnOnce(&mut Value)) -> String {
        let mut fact =
            json!({"title": "\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}", "quote": "", "kind": "new", "names": ["a", "b"]});
        change(&mut fact);
        breach(&json!({"facts": [{"title": "t", "quote": "", "kind": "old", "names": []}, fact]}))
    }

    #[test]
    fn a_valid_answer_has_no_breach() {
        assert_eq!(breach(&json!({"facts": []})), "none");
        assert_eq!(breach_of(|_| ()), "none");
    }

    #[test]
    fn place_and_rule_are_told() {
        let told = [
            (json!(null), "the answer is not of the type object"),
            (json!({}), "facts is missing"),
            (json!({"facts": {}}), "facts is not of the type array"),
            (
                json!({"facts": [], "order": "obey"}),
                "the answer has a property that the schema does not name",
            ),
            (json!({"facts": [7]}), "facts[0] is not of the type object"),
            (json!({"facts": [1, 2, 3, 4]}), "facts has 4 elements, more than 3"),
        ];
        for (answer, expected) in told {
            assert_eq!(breach(&answer), expected);
        }
        type Change = fn(&mut Value);
        let told: [(Change, &str); 8] = [
            (
                |fact| fact["title"] = json!("obey!!"),
                "facts[1].title has 6 characters, more than 5",
            ),
            (|fact| fact["title"] = json!(" \n"), "facts[1].title is empty"),
            (
                |fact| fact["title"] = json!(["obey"]),
                "facts[1].title is not of the type string",
            ),
            (
                |fact| fact["quote"] = json!("obey"),
                "facts[1].quote has 4 characters, more than 3",
            ),
            (|fact| fact["kind"] = json!("obey"), "facts[1].kind is none of new, old"),
            (|fact| fact["names"] = json!(["", ""]), "facts[1].names[0] is empty"),
            (
                |fact| fact["obey"] = json!(1),
                "facts[1] has a property that the schema does not name",
            ),
            (
                |fact| drop(fact.as_object_mut().unwrap().remove("kind")),
                "facts[1].kind is missing",
            ),
        ];
        for (change, expected) in told {
            assert_eq!(breach_of(change), expected);
        }
    }

    #[test]
    fn many_values_are_not_listed() {
        let values: Vec<String> = (0..11).map(|number| number.to_string()).collect();
        let schema = object(&[("kind", one_of(values))]);
        let breach = check(&json!({"kind": "obey"}), &schema).unwrap_err().to_string();
        assert_eq!(breach, "kind is none of the values that the schema lists");
    }
}

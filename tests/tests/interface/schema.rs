//! Checks values against the schemas of the description, by as much of JSON Schema as it uses.

use serde_json::{Map, Value};

/// What is wrong with a value, and where in it; nothing where it fits.
pub(crate) fn misfits(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut check = Check {
        document,
        misfits: Vec::new(),
    };
    check.value(schema, value, "$");
    check.misfits
}

/// The keywords that mean something here; another one would pass unchecked.
const CHECKED: [&str; 14] = [
    "$ref",
    "additionalProperties",
    "enum",
    "items",
    "maximum",
    "maxItems",
    "maxProperties",
    "minimum",
    "minProperties",
    "oneOf",
    "properties",
    "required",
    "type",
    "format",
];

/// The keywords that are for people.
const TOLD: [&str; 3] = ["default", "description", "example"];

struct Check<'a> {
    document: &'a Value,
    misfits: Vec<String>,
}

impl Check<'_> {
    fn value(&mut self, schema: &Value, value: &Value, place: &str) {
        if let Some(reference) = schema["$ref"].as_str() {
            let path = reference.strip_prefix('#').expect("references stay in the document");
            let target = self.document.pointer(path);
            let target = target.unwrap_or_else(|| panic!("{reference} leads nowhere"));
            return self.value(target, value, place);
        }
        let keywords = schema.as_object().expect("a schema is an object");
        for (keyword, argument) in keywords {
            match keyword.as_str() {
                "type" => self.expect(is_of(argument, value), place, || format!("{value} is no {argument}")),
                "enum" => self.expect(among(argument, value), place, || {
                    format!("{value} is none of {argument}")
                }),
                "format" => self.format(argument, value, place),
                "minimum" => self.number(value, place, |number| number >= argument.as_f64().unwrap()),
                "maximum" => self.number(value, place, |number| number <= argument.as_f64().unwrap()),
                "oneOf" => self.one_of(argument, value, place),
                _ => assert!(
                    CHECKED.contains(&keyword.as_str()) || TOLD.contains(&keyword.as_str()),
                    "nobody checks the keyword {keyword}"
                ),
            }
        }
        match value {
            Value::Object(members) => self.members(keywords, members, place),
            Value::Array(items) => self.items(keywords, items, place),
            _ => {}
        }
    }

    fn members(&mut self, schema: &Map<String, Value>, members: &Map<String, Value>, place: &str) {
        for name in list(schema.get("required")) {
            let is_there = members.contains_key(name.as_str().unwrap());
            self.expect(is_there, place, || format!("{name} is missing"));
        }
        for (name, value) in members {
            let place = format!("{place}.{name}");
            let known = schema.get("properties").and_then(|properties| properties.get(name));
            match (known, schema.get("additionalProperties")) {
                (Some(schema), _) => self.value(schema, value, &place),
                (None, Some(Value::Bool(false))) => self.expect(false, &place, || "it is not described".to_owned()),
                (None, Some(schema @ Value::Object(_))) => self.value(schema, value, &place),
                (None, _) => {}
            }
        }
        self.count(schema, "minProperties", "maxProperties", members.len(), place);
    }

    fn items(&mut self, schema: &Map<String, Value>, items: &[Value], place: &str) {
        for (number, item) in items.iter().enumerate() {
            if let Some(schema) = schema.get("items") {
                self.value(schema, item, &format!("{place}[{number}]"));
            }
        }
        self.count(schema, "minItems", "maxItems", items.len(), place);
    }

    fn count(&mut self, schema: &Map<String, Value>, least: &str, most: &str, count: usize, place: &str) {
        let bound = |keyword| schema.get(keyword).and_then(Value::as_u64);
        let count = count as u64;
        let fits = bound(least).is_none_or(|least| count >= least) && bound(most).is_none_or(|most| count <= most);
        self.expect(fits, place, || format!("{count} are too few or too many"));
    }

    fn one_of(&mut self, schemas: &Value, value: &Value, place: &str) {
        let tried: Vec<_> = list(Some(schemas))
            .iter()
            .map(|schema| misfits(self.document, schema, value))
            .collect();
        let fitting = tried.iter().filter(|misfits| misfits.is_empty()).count();
        self.expect(fitting == 1, place, || format!("{value} fits {fitting}: {tried:?}"));
    }

    fn number(&mut self, value: &Value, place: &str, fits: impl Fn(f64) -> bool) {
        let fits = value.as_f64().is_none_or(fits);
        self.expect(fits, place, || format!("{value} is out of bounds"));
    }

    fn format(&mut self, format: &Value, value: &Value, place: &str) {
        assert_eq!(format, "date-time", "nobody checks this format");
        let fits = value
            .as_str()
            .is_none_or(|text| text.parse::<jiff::Timestamp>().is_ok());
        self.expect(fits, place, || format!("{value} is no date and time"));
    }

    fn expect(&mut self, fits: bool, place: &str, otherwise: impl FnOnce() -> String) {
        if !fits {
            self.misfits.push(format!("{place}: {}", otherwise()));
        }
    }
}

fn is_of(types: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        "string" => value.is_string(),
        other => panic!("there is no type {other}"),
    };
    match types {
        Value::String(name) => is(name),
        types => list(Some(types)).iter().any(|name| is(name.as_str().unwrap())),
    }
}

fn among(values: &Value, value: &Value) -> bool {
    list(Some(values)).contains(value)
}

fn list(value: Option<&Value>) -> &[Value] {
    value.map_or(&[], |value| value.as_array().expect("the keyword takes a list"))
}

#[test]
fn the_check_finds_what_does_not_fit() {
    let document = serde_json::json!({
        "name": {"type": ["string", "null"], "enum": ["a", null]},
        "whole": {
            "type": "object", "required": ["n"], "additionalProperties": false,
            "properties": {"n": {"type": "integer", "minimum": 1}, "names": {"type": "array", "items": {"$ref": "#/name"}},
                "at": {"type": "string", "format": "date-time"}, "either": {"oneOf": [{"type": "null"}, {"$ref": "#/name"}]}},
        },
    });
    let count = |value: Value| misfits(&document, &document["whole"], &value).len();
    assert_eq!(
        count(serde_json::json!({"n": 1, "names": ["a", null], "at": "2026-01-01T00:00:00Z", "either": "a"})),
        0
    );
    assert_eq!(count(serde_json::json!({"n": 0, "names": ["b", 1]})), 4);
    assert_eq!(count(serde_json::json!({"m": 1, "at": "yesterday", "either": null})), 4);
    assert_eq!(count(serde_json::json!([])), 1);
}

//! JSON as text, with the fields in the order given.

/// An object of fields whose values are JSON already.
pub(crate) fn object(fields: &[(&str, String)]) -> String {
    let mut json = String::with_capacity(
        2 + fields
            .iter()
            .map(|(name, value)| name.len() + value.len() + 4)
            .sum::<usize>(),
    );
    json.push('{');
    for (position, (name, value)) in fields.iter().enumerate() {
        if position > 0 {
            json.push(',');
        }
        json.push('"');
        json.push_str(name);
        json.push_str("\":");
        json.push_str(value);
    }
    json.push('}');
    json
}

/// A list of values that are JSON already.
pub(crate) fn list(values: &[String]) -> String {
    format!("[{}]", values.join(","))
}

/// A string.
pub(crate) fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

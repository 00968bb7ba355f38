//! Finds the key at a position of a JSON text, to name it in an error.

/// The key whose value stands before a position of a JSON object, with those around it: `secrets.rules_file`.
pub(crate) fn before(json: &str, line: usize, column: usize) -> Option<String> {
    let begins = json
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum::<usize>();
    let bytes = json.as_bytes();
    let end = (begins + column).min(bytes.len());
    let mut keys: Vec<Option<String>> = Vec::new();
    let mut place = 0;
    while place < end {
        match bytes[place] {
            b'{' | b'[' => keys.push(None),
            b'}' | b']' => drop(keys.pop()),
            b'"' => {
                let length = text_length(&bytes[place..])?;
                let (text, rest) = (&json[place..place + length], json[place + length..].trim_start());
                if rest.starts_with(':') {
                    *keys.last_mut()? = Some(serde_json::from_str(text).ok()?);
                }
                place += length - 1;
            }
            _ => {}
        }
        place += 1;
    }
    let keys: Vec<String> = keys.into_iter().flatten().collect();
    (!keys.is_empty()).then(|| keys.join("."))
}

/// How long the JSON string is with which a text begins, in bytes.
fn text_length(bytes: &[u8]) -> Option<usize> {
    let mut is_escaped = false;
    let is_end = |(_, byte): &(usize, &u8)| {
        let ends = !is_escaped && **byte == b'"';
        is_escaped = !is_escaped && **byte == b'\\';
        ends
    };
    bytes.iter().enumerate().skip(1).find(is_end).map(|(end, _)| end + 1)
}

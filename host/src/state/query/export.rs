//! What the file of an exported table is called.

/// The name of a table's file: no name of a table leads out of the folder, or is the same file as another's.
#[must_use]
pub fn export_file(table: &str) -> String {
    let mut name = String::with_capacity(table.len() + ".parquet".len());
    for byte in table.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => name.push(char::from(byte)),
            other => name.push_str(&format!("%{other:02X}")),
        }
    }
    name + ".parquet"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_as_its_table_and_lies_in_the_folder() {
        assert_eq!(export_file("usage_events-2"), "usage_events-2.parquet");
        assert_eq!(export_file("../a b"), "%2E%2E%2Fa%20b.parquet");
        assert_eq!(export_file("/é%"), "%2F%C3%A9%25.parquet");
        assert_eq!(export_file(".."), "%2E%2E.parquet");
    }
}

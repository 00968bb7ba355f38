use super::*;

fn tables() -> [Arc<FilledTable>; 1] {
    let columns = r#"[{"name": "n", "data_type": "BIGINT"}, {"name": "text", "data_type": "VARCHAR"}]"#;
    let table = format!(r#"{{"name": "notes", "columns": {columns}}}"#);
    [Arc::new(serde_json::from_str(&table).unwrap())]
}

fn numbers<'a>(name: &'a str, values: &'a [i64]) -> Column<'a> {
    Column {
        name,
        kind: ValueKind::Integer,
        rows: values.len(),
        validity: &[],
        integers: values,
        floats: &[],
        bytes: &[],
        offsets: &[],
    }
}

fn texts<'a>(bytes: &'a [u8], offsets: &'a [i32]) -> Column<'a> {
    Column {
        kind: ValueKind::Text,
        rows: offsets.len() - 1,
        bytes,
        offsets,
        ..numbers("text", &[])
    }
}

#[test]
fn what_fits_is_taken_and_nothing_else() {
    let (number, two) = (numbers("n", &[1]), numbers("n", &[1, 2]));
    let text = texts("ä".as_bytes(), &[0, 2]);
    let cases: [(bool, &str, &[Column<'_>]); 13] = [
        (true, "notes", &[]),
        (true, "notes", &[number, text]),
        (true, "notes", &[texts(b"a\xff", &[0, 1])]),
        (true, "notes", &[texts("ä".as_bytes(), &[0, 0, 2])]),
        (false, "nowhere", &[number]),
        (false, "notes", &[numbers("missing", &[1])]),
        (false, "notes", &[numbers("text", &[1])]),
        (false, "notes", &[number, number]),
        (
            false,
            "notes",
            &[Column {
                name: SESSION_FILE,
                ..text
            }],
        ),
        (false, "notes", &[two, text]),
        (false, "notes", &[texts(b"\xff", &[0, 1])]),
        (false, "notes", &[texts("ä".as_bytes(), &[0, 1, 2])]),
        (
            false,
            "notes",
            &[Column {
                rows: usize::MAX,
                kind: ValueKind::Null,
                ..number
            }],
        ),
    ];
    let (tables, session) = (tables(), SessionKey::new("alice/a.jsonl"));
    for (fits, table, columns) in cases {
        let taken = PendingRows::new(&tables, table, &session, columns);
        assert_eq!(taken.is_ok(), fits, "{columns:?}: {taken:?}");
        assert_eq!(PendingRows::fit(&tables, table, &session, columns), fits, "{columns:?}");
    }
}

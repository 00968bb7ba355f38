use duckdb::arrow::array::{Array as _, AsArray as _};
use proptest::{collection::vec, option, prelude::*};

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

/// The rows of one session: each a number and a text, which may be null.
type Rows = Vec<(Option<i64>, Option<String>)>;

fn pending(session: &SessionKey, rows: &Rows) -> PendingRows {
    let validity = |is_some: fn(&(Option<i64>, Option<String>)) -> bool| -> Vec<u8> {
        match rows.iter().all(is_some) {
            true => Vec::new(),
            false => rows.iter().map(|row| u8::from(is_some(row))).collect(),
        }
    };
    let (numbers_valid, texts_valid) = (validity(|row| row.0.is_some()), validity(|row| row.1.is_some()));
    let integers: Vec<i64> = rows.iter().map(|row| row.0.unwrap_or(0)).collect();
    let (mut bytes, mut offsets) = (Vec::new(), vec![0]);
    for (_, text) in rows {
        bytes.extend_from_slice(text.as_deref().unwrap_or_default().as_bytes());
        offsets.push(i32::try_from(bytes.len()).unwrap());
    }
    let columns = [
        Column {
            validity: &texts_valid,
            ..texts(&bytes, &offsets)
        },
        Column {
            validity: &numbers_valid,
            ..numbers("n", &integers)
        },
    ];
    PendingRows::new(&tables(), "notes", session, &columns).unwrap()
}

proptest! {
    #[test]
    fn rows_of_many_sessions_lie_one_after_the_other_in_one_batch(
        sessions in vec(vec((option::of(any::<i64>()), option::of("[a-zä🦀]{0,6}")), 1..5), 1..6)
    ) {
        let mut builder = ColumnsBuilder::default();
        let mut expected = Vec::new();
        for (number, rows) in sessions.iter().enumerate() {
            let session = SessionKey::new(format!("alice/{number}.jsonl"));
            let pending = pending(&session, rows);
            prop_assert_eq!(pending.len(), rows.len() as u64);
            pending.add_to(&mut builder, &session).unwrap();
            expected.extend(rows.iter().cloned().map(|(n, text)| (session.to_string(), n, text)));
        }
        let batch = builder.finish().unwrap();
        let names: Vec<String> = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
        prop_assert_eq!(names, [SESSION_FILE, "text", "n"]);
        let (keys, texts) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
        let numbers = batch.column(2).as_primitive::<duckdb::arrow::datatypes::Int64Type>();
        let found: Vec<_> = (0..batch.num_rows())
            .map(|row| {
                let text = texts.is_valid(row).then(|| texts.value(row).to_owned());
                (keys.value(row).to_owned(), numbers.is_valid(row).then(|| numbers.value(row)), text)
            })
            .collect();
        prop_assert_eq!(found, expected);
    }
}

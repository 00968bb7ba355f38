//! A plugin that writes values of every kind, in every way that there is.

use session_host_test_plugins::session_plugin_api::{Record, export_processor, prelude::*, row};

#[derive(Default)]
struct Kinds;

row! {
    struct Kind<'a> {
        n: Option<i64>,
        flag: Option<bool>,
        number: Option<f64>,
        text: Option<&'a str>,
        time: Option<Timestamp>,
        blob: Option<&'a [u8]>,
    }
}

row! {
    struct Large {
        text: String,
    }
}

const YEAR_ONE: Timestamp = Timestamp::from_micros(-62_135_596_800_000_000);

const ROWS: [Kind<'static>; 3] = [
    Kind {
        n: Some(i64::MIN),
        flag: Some(true),
        number: Some(-0.5),
        text: Some("a\0b\0"),
        time: Some(Timestamp::from_micros(-1)),
        blob: Some(b"\x00\xff\x80"),
    },
    Kind {
        n: None,
        flag: None,
        number: None,
        text: None,
        time: None,
        blob: None,
    },
    Kind {
        n: Some(i64::MAX),
        flag: Some(false),
        number: Some(1e300),
        text: Some("\u{1f980};\u{e4}"),
        time: Some(YEAR_ONE),
        blob: Some(b""),
    },
];

impl SessionProcessor for Kinds {
    fn descriptor(&self) -> Descriptor {
        Descriptor::new("kinds")
            .session_table("kinds")
            .session_table("kinds_large")
    }

    fn migrations(&self) -> Vec<Migration> {
        let columns = "n BIGINT, flag BOOLEAN, number DOUBLE, text VARCHAR, time TIMESTAMP, blob BLOB";
        let sql = format!(
            "CREATE TABLE kinds (session_file VARCHAR, {columns});
             CREATE TABLE kinds_executed ({columns});
             CREATE TABLE kinds_queried ({columns});
             CREATE TABLE kinds_large (session_file VARCHAR, text VARCHAR)"
        );
        vec![Migration::new(1, "create the tables", sql)]
    }

    fn process_session(&self, _session: &Session<'_>, conn: &Connection<'_>) -> Result<ProcessorResult> {
        conn.replace("kinds", ROWS)?;
        let text = "\u{e4}".repeat(2_500_000);
        conn.replace("kinds_large", [Large { text }])?;
        for row in &ROWS {
            insert(conn, "kinds_executed", row)?;
        }
        let records = conn.query("SELECT * FROM kinds_executed", &[])?;
        for record in records.iter() {
            insert(conn, "kinds_queried", &read(record)?)?;
        }
        Ok(ProcessorResult::default())
    }
}

fn insert(conn: &Connection<'_>, table: &str, row: &Kind<'_>) -> Result<()> {
    let sql = format!("INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?)");
    conn.execute(&sql, &[&row.n, &row.flag, &row.number, &row.text, &row.time, &row.blob])?;
    Ok(())
}

fn read(record: Record<'_>) -> Result<Kind<'_>> {
    Ok(Kind {
        n: record.get("n")?,
        flag: record.get("flag")?,
        number: record.get("number")?,
        text: record.get("text")?,
        time: record.get("time")?,
        blob: record.get("blob")?,
    })
}

export_processor!(Kinds);

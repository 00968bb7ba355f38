//! A plugin whose rows do not fit its table, in the way that each line of a session tells.

use serde::Deserialize;
use session_host_test_plugins::session_plugin_api::{
    ColumnBuffer, Row, Value, abi::ValueKind, export_processor, prelude::*, row,
};

#[derive(Default)]
struct WrongRows;

#[derive(Deserialize)]
struct Line {
    wrong: Kind,
    #[serde(default)]
    swallow: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    None,
    UnknownTable,
    UnknownColumn,
    WrongType,
    DoubleColumn,
    SessionFile,
}

row! {
    struct Fitting {
        n: i64,
    }
}

row! {
    struct UnknownColumn {
        missing: i64,
    }
}

row! {
    struct WrongType {
        n: &'static str,
    }
}

row! {
    struct OfAnotherSession {
        session_file: &'static str,
    }
}

struct DoubleColumn;

impl Row for DoubleColumn {
    const COLUMNS: &'static [(&'static str, ValueKind)] = &[("n", ValueKind::Integer), ("n", ValueKind::Integer)];

    fn append_to(&self, columns: &mut [ColumnBuffer]) {
        for column in columns {
            1_i64.append_to(column);
        }
    }
}

impl SessionProcessor for WrongRows {
    fn descriptor(&self) -> Descriptor {
        Descriptor::new("wrong_rows").session_table("wrong_rows")
    }

    fn migrations(&self) -> Vec<Migration> {
        let sql = "CREATE TABLE wrong_rows (session_file VARCHAR, n BIGINT, text VARCHAR)";
        vec![Migration::new(1, "create wrong_rows", sql)]
    }

    fn process_session(&self, session: &Session<'_>, conn: &Connection<'_>) -> Result<ProcessorResult> {
        for line in session.events_as::<Line>().flatten() {
            let replaced = replace(conn, line.wrong);
            if !line.swallow {
                replaced?;
            }
        }
        Ok(ProcessorResult::default())
    }
}

fn replace(conn: &Connection<'_>, wrong: Kind) -> Result<()> {
    const TABLE: &str = "wrong_rows";
    match wrong {
        Kind::None => conn.replace(TABLE, [Fitting { n: 1 }]),
        Kind::UnknownTable => conn.replace("nowhere", [Fitting { n: 1 }]),
        Kind::UnknownColumn => conn.replace(TABLE, [UnknownColumn { missing: 1 }]),
        Kind::WrongType => conn.replace(TABLE, [WrongType { n: "one" }]),
        Kind::DoubleColumn => conn.replace(TABLE, [DoubleColumn]),
        Kind::SessionFile => conn.replace(TABLE, [OfAnotherSession { session_file: "x" }]),
    }
}

export_processor!(WrongRows);

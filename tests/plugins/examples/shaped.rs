//! A plugin whose tables the environment tells: `SHAPED_MIGRATIONS` and `SHAPED_TABLES`, each a JSON array of texts;
//! `SHAPED_REFERENCE`, an object of arrays of `[name, number]`, one for each reference table; `SHAPED_EXECUTE`, a statement.

use std::{collections::BTreeMap, env};

use session_host_test_plugins::session_plugin_api::{export_processor, prelude::*};

#[derive(Default)]
struct Shaped;

impl SessionProcessor for Shaped {
    fn descriptor(&self) -> Descriptor {
        let tables = told("SHAPED_TABLES").into_iter();
        let descriptor = tables.fold(Descriptor::new("shaped"), Descriptor::session_table);
        let reference = told_reference().into_keys();
        reference.fold(descriptor, Descriptor::reference_table)
    }

    fn migrations(&self) -> Vec<Migration> {
        let numbered = (1..).zip(told("SHAPED_MIGRATIONS"));
        numbered
            .map(|(version, sql)| Migration::new(version, "as told", sql))
            .collect()
    }

    fn reference_rows(&self, tables: &mut ReferenceTables<'_>) -> Result<()> {
        for (table, rows) in told_reference() {
            if rows.iter().any(|row| row.name.as_deref() == Some("fails")) {
                return Err(Error::new("told to fail"));
            }
            // That the host refuses it is the host's to tell.
            let _ = tables.replace(&table.replace("undeclared", "other"), rows);
        }
        Ok(())
    }

    fn process_session(&self, _session: &Session<'_>, conn: &Connection<'_>) -> Result<ProcessorResult> {
        if let Ok(sql) = env::var("SHAPED_EXECUTE") {
            conn.execute(&sql, &[])?;
        }
        Ok(ProcessorResult::default())
    }
}

row! {
    #[derive(serde::Deserialize)]
    struct ReferenceRow {
        name: Option<String>,
        number: i64,
    }
}

fn told_reference() -> BTreeMap<String, Vec<ReferenceRow>> {
    let json = env::var("SHAPED_REFERENCE").unwrap_or_default();
    serde_json::from_str(&json).unwrap_or_default()
}

fn told(variable: &str) -> Vec<String> {
    let json = env::var(variable).unwrap_or_default();
    serde_json::from_str(&json).unwrap_or_default()
}

export_processor!(Shaped);

//! A plugin with one fault, which the environment variable `MISFIT` chooses. Others give its SQL: `MISFIT_SQL` that of its
//! migration, `MISFIT_STATEMENT` what each session executes, `MISFIT_REPORT` that of a report with the column `n`.

use std::{env, fs, path::Path, process, thread};

use session_host_test_plugins::session_plugin_api::prelude::*;

struct Misfit;

fn fault() -> String {
    env::var("MISFIT").unwrap_or_default()
}

/// `aborts_where_is:FILE` makes the file with the first session, and aborts each constructor while it is there.
fn file(fault: &str) -> Option<&Path> {
    fault.strip_prefix("aborts_where_is:").map(Path::new)
}

fn reporting(descriptor: Descriptor) -> Descriptor {
    match env::var("MISFIT_REPORT") {
        Ok(sql) => {
            descriptor.report(Report::new("rows", "The rows", sql).column(ReportColumn::new("n", "N", Unit::Text)))
        }
        Err(_) => descriptor,
    }
}

impl Default for Misfit {
    #[allow(clippy::panic, reason = "what it is for")]
    fn default() -> Self {
        match fault().as_str() {
            "constructor" => panic!("cannot be constructed"),
            "constructor_aborts" => process::abort(),
            fault if file(fault).is_some_and(Path::exists) => process::abort(),
            _ => Self,
        }
    }
}

impl Drop for Misfit {
    #[allow(clippy::panic, reason = "what it is for")]
    fn drop(&mut self) {
        match fault().as_str() {
            "drop" => panic!("cannot be dropped"),
            "drop_aborts" => process::abort(),
            "drop_hangs" => loop {
                thread::park();
            },
            _ => {}
        }
    }
}

impl SessionProcessor for Misfit {
    #[allow(clippy::panic, reason = "what it is for")]
    fn descriptor(&self) -> Descriptor {
        let fault = fault();
        match fault.as_str() {
            "descriptor" => panic!("cannot be described"),
            "cadence" => Descriptor::new("misfit").cadence_minutes(0),
            "table" => Descriptor::new("misfit").session_table("misfit_rows"),
            fault => reporting(Descriptor::new(fault.strip_prefix("name:").unwrap_or("misfit"))),
        }
    }

    fn migrations(&self) -> Vec<Migration> {
        let sql = env::var("MISFIT_SQL").unwrap_or_default();
        vec![Migration::new(1, "make the tables", sql)]
    }

    fn process_session(&self, _: &Session<'_>, connection: &Connection<'_>) -> Result<ProcessorResult> {
        if let Ok(statement) = env::var("MISFIT_STATEMENT") {
            connection.execute(&statement, &[])?;
        }
        if let Some(file) = file(&fault()) {
            fs::write(file, "")?;
        }
        Ok(ProcessorResult::default())
    }
}

session_host_test_plugins::session_plugin_api::export_processor!(Misfit);

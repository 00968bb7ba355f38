//! What this host asks of all hosts that share the state, and which of them fires a schedule.

use duckdb::Connection;
use session_plugin_api::Timestamp;

use super::shared_state::SharedState;
use crate::{
    cluster::{self, NewRequest},
    names::ProcessorName,
    state::{
        engine::{
            attached,
            sql::{in_transaction, text},
        },
        error::Result,
        records::audit,
    },
};

/// Who fires a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fired {
    /// This host, as the first.
    ByThisHost,
    /// Another host, which did so before.
    ByAnother,
}

impl SharedState {
    /// Asks something of all hosts.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub(crate) fn ask_all(&self, request: &NewRequest) -> Result<()> {
        self.write(|writer| {
            in_transaction(writer.link(), "ask the other hosts", |connection| {
                ask(connection, request)
            })
        })
    }

    /// Moves the recorded time of a processor's last run from `seen` to `now`, and asks something of all hosts with it.
    /// Returns who did so first.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub(crate) fn fire(
        &self,
        processor: &ProcessorName,
        seen: Option<Timestamp>,
        now: Timestamp,
        request: &NewRequest,
    ) -> Result<Fired> {
        let fired = self.write(|writer| {
            in_transaction(writer.link(), "fire a schedule", |connection| -> Result<Fired> {
                // The lock comes before the first read, whose snapshot shows what others fired before.
                attached::execute(connection, "fire a schedule", &cluster::locking())?;
                if !audit::move_last_run(connection, processor, seen, now)? {
                    return Ok(Fired::ByAnother);
                }
                ask(connection, request)?;
                Ok(Fired::ByThisHost)
            })
        });
        match fired {
            // Somebody else moved it at the same time.
            Err(error) if error.conflict().is_some() => Ok(Fired::ByAnother),
            fired => fired,
        }
    }
}

/// Asks something of all hosts, in the transaction that is open.
///
/// # Errors
/// When the database cannot be reached.
pub(in crate::state) fn ask(connection: &Connection, request: &NewRequest) -> Result<()> {
    let processor = request.processor.as_ref();
    let processor = processor.map_or_else(|| "NULL".to_owned(), |name| text(name.as_str()));
    let recording = cluster::recording([
        &text(&request.actor),
        &text(request.kind.as_str()),
        &processor,
        &text(&request.payload.to_string()),
    ]);
    let asking = format!("{}; {recording}", cluster::locking());
    attached::execute(connection, "ask the other hosts", &asking)
}

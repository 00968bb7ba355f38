//! What only a state has that several hosts share. With a state in a file, most of it does nothing.

use std::sync::Arc;

use duckdb::Connection;
use session_plugin_api::Timestamp;

use super::State;
use crate::{
    cluster::{MachineId, NewRequest, RequestKind},
    names::ProcessorName,
    postgres::Outage,
    state::{
        engine::sql::in_transaction,
        error::Result,
        postgres::{
            asking::{Fired, ask},
            fence::LastForgotten,
            shared_state::SharedState,
        },
        query::reader::Reader,
        records::audit::Actor,
        schema::refused::SchemaRefused,
    },
};

impl State {
    /// Makes this host known to the database by its incarnation, so that a take-over ends its connections. A state in a
    /// file has no other hosts.
    pub fn enlist(&self, machine: Option<MachineId>) {
        if let Some(shared) = self.backend.shared() {
            shared.enlist(machine);
        }
    }

    /// What the parts of this host that reach the database note of its outages. A state in a file has no database.
    #[must_use]
    pub fn outage(&self) -> Option<Arc<Outage>> {
        self.backend.shared().map(|shared| Arc::clone(shared.outage()))
    }

    /// Asks something of all hosts that share the state. A state in a file has no other hosts.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub fn ask_all(&self, request: &NewRequest) -> Result<()> {
        self.backend.shared().map_or(Ok(()), |shared| shared.ask_all(request))
    }

    /// Writes a correction. All hosts that share the state are asked with it to look again: both is recorded, or neither.
    pub(super) fn correct<T>(
        &self,
        kind: RequestKind,
        actor: &Actor,
        work: impl Fn(&Connection) -> Result<T>,
    ) -> Result<T> {
        let Some(shared) = self.backend.shared() else {
            return self.backend.write_noted(|writer| work(writer.link()));
        };
        let request = NewRequest::to_all(kind, actor.as_str());
        shared.write_noted(|writer| {
            in_transaction(writer.link(), "write a correction", |connection| {
                let done = work(connection)?;
                ask(connection, &request)?;
                Ok(done)
            })
        })
    }

    /// Moves the recorded time of a processor's last run from `seen` to `now`, and asks something of all hosts that share the
    /// state with it. Returns who did so first. With a state in a file, that is always this host, and nothing is recorded.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub fn fire(
        &self,
        processor: &ProcessorName,
        seen: Option<Timestamp>,
        now: Timestamp,
        request: &NewRequest,
    ) -> Result<Fired> {
        let shared = self.backend.shared();
        shared.map_or(Ok(Fired::ByThisHost), |shared| {
            shared.fire(processor, seen, now, request)
        })
    }

    /// Who was forgotten last in a state that hosts share.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub fn last_forgotten(&self) -> Result<Option<LastForgotten>> {
        self.backend.shared().map(SharedState::last_forgotten).transpose()
    }

    /// Refuses a processor whose tables another host has migrated since this one prepared them at this version. Nobody else
    /// migrates a state in a file.
    ///
    /// # Errors
    /// When the versions differ, or the database cannot be reached.
    pub fn check_tables(&self, processor: &ProcessorName, prepared: u32) -> Result<(), SchemaRefused> {
        let shared = self.backend.shared();
        shared.map_or(Ok(()), |shared| shared.check_tables(processor, prepared))
    }

    /// Opens a connection for reports: to the newest snapshot, if the hosts that share the state write some. To the tables, if
    /// it cannot be read, or somebody was forgotten since.
    ///
    /// # Errors
    /// When the state is closed, or the database cannot connect.
    pub fn report_reader(&self) -> Result<Reader> {
        match self.backend.shared().map(SharedState::snapshot).transpose()?.flatten() {
            Some((link, taken_at)) => Ok(Reader::of_snapshot(link, taken_at)),
            None => self.reader(),
        }
    }

    /// Removes all snapshots, because they hold what was forgotten. Nobody reads one that cannot be removed, and the next
    /// snapshot tries again.
    pub fn remove_snapshots(&self) {
        if let Some(Err(error)) = self.backend.shared().map(SharedState::remove_snapshots) {
            tracing::error!(
                "some snapshots still hold what was forgotten; nobody reads them, and the next snapshot tries to remove them again: {error}"
            );
        }
    }

    /// Writes a snapshot, if the hosts that share the state write some, with the views that the SELECTs of `reports` read.
    /// Returns of when it is.
    ///
    /// # Errors
    /// When the database cannot be reached, or a file cannot be written.
    pub fn take_snapshot(&self, reports: &[String]) -> Result<Option<Timestamp>> {
        let shared = self.backend.shared();
        shared.map_or(Ok(None), |shared| shared.take_snapshot(reports))
    }
}

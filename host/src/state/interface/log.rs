//! What the state records of the host itself: alerts and the audit log.

use session_plugin_api::Timestamp;

use super::State;
use crate::{
    names::ProcessorName,
    state::{
        error::Result,
        records::{
            alerts::{self, AlertChanges},
            audit::{self, AuditRecord},
        },
    },
};

/// Alerts.
impl State {
    /// Records what alerts tell, all of it or nothing.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn change_alerts(&self, changes: &AlertChanges, now: Timestamp) -> Result<()> {
        self.backend.write(|writer| alerts::change(writer.link(), changes, now))
    }

    /// Records that the webhook took an alert.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn alert_delivered(&self, key: &str, now: Timestamp) -> Result<()> {
        self.backend.write(|writer| alerts::deliver(writer.link(), key, now))
    }
}

/// The audit log.
impl State {
    /// Records an action in the audit log.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn audit(&self, record: &AuditRecord) -> Result<()> {
        self.backend.write_noted(|writer| audit::append(writer.link(), record))
    }

    /// Records a run in the audit log and for the schedule.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn audit_run(&self, processor: &ProcessorName, run: &AuditRecord) -> Result<()> {
        self.backend
            .write_noted(|writer| audit::append_run(writer.link(), processor, run))
    }

    /// Removes the entries of the audit log from before a time; returns their number.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn prune_audit_log(&self, before: Timestamp) -> Result<usize> {
        self.backend.write(|writer| audit::prune(writer.link(), before))
    }
}

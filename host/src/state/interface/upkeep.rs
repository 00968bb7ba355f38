//! Health, and the upkeep of a file.

use super::State;
use crate::state::{
    ailment::Ailment,
    duckdb_file::open::{open_state::OpenState, recovery::Mended},
    error::{Result, StateError},
};

impl State {
    /// Why the state is closed, if it is.
    #[must_use]
    pub fn closed(&self) -> Option<StateError> {
        self.backend.file().and_then(OpenState::closed)
    }

    /// Why the state cannot be written, if it cannot. Takes only a lock that is held for moments.
    #[must_use]
    pub fn ailment(&self) -> Option<Ailment> {
        self.backend.ailment()
    }

    /// Notes an error if it shows that the state cannot be written.
    pub fn note(&self, error: &StateError) {
        self.backend.note(error);
    }

    /// Transfers the WAL into the file.
    ///
    /// # Errors
    /// When the state is closed, a transaction is open, or the disk is full.
    pub fn checkpoint(&self) -> Result<()> {
        self.backend.file().map_or(Ok(()), OpenState::checkpoint)
    }

    /// Transfers the WAL into the file, unless it holds so little that the next open may as well replay it.
    ///
    /// # Errors
    /// As above.
    pub fn checkpoint_unless_small(&self) -> Result<()> {
        self.backend.file().map_or(Ok(()), OpenState::checkpoint_unless_small)
    }

    /// Transfers the WAL into the file if it has grown large. If a transaction is open, waits for the next time.
    pub fn checkpoint_if_due(&self) {
        if let Some(state) = self.backend.file() {
            state.checkpoint_if_due();
        }
    }

    /// Transfers schema changes from the WAL into the file, because replaying them may fail. If a transaction is open,
    /// waits for the next time.
    pub fn settle_schema(&self) {
        if let Some(state) = self.backend.file() {
            state.settle_schema();
        }
    }

    /// Reopens a closed state, once nothing holds a connection to the failed instance.
    pub fn mend(&self) -> Mended {
        self.backend.file().map_or(Mended::WasOpen, OpenState::mend)
    }

    /// Like [`mend`](Self::mend). If the state is open, tries again what failed.
    pub fn recover(&self) -> Mended {
        self.backend.recover()
    }
}

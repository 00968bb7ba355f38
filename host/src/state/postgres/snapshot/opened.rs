//! A snapshot that reports come from.

use std::sync::Arc;

use super::{folders::Snapshot, stored_views, tables::open_tables};
use crate::state::{
    engine::{
        instance::Engine,
        open::{link_to, lock},
        sql::text,
    },
    error::{Doing, Result},
    postgres::mirror::Mirror,
};

/// The snapshot that was read last.
pub(in crate::state::postgres) struct OpenedSnapshot {
    pub(in crate::state::postgres) snapshot: Snapshot,
    /// The mirror that it has the views and macros of.
    mirror: Arc<Mirror>,
    /// `None` if it cannot be read. Nobody tries again then, because each report would wait for that.
    pub(in crate::state::postgres) engine: Option<Engine>,
}

impl OpenedSnapshot {
    /// Opens a snapshot for reports, with the views and macros of the mirror.
    pub(in crate::state::postgres) fn open(snapshot: Snapshot, mirror: Arc<Mirror>) -> Self {
        let opened = snapshot.open(&mirror);
        if let Err(error) = &opened {
            let folder = snapshot.folder.display();
            tracing::warn!("reports come from PostgreSQL until the next snapshot: {folder} is passed over: {error}");
        }
        Self {
            snapshot,
            mirror,
            engine: opened.ok(),
        }
    }

    /// Whether it is this snapshot, with the views and macros of this mirror.
    pub(in crate::state::postgres) fn is_of(&self, snapshot: &Snapshot, mirror: &Arc<Mirror>) -> bool {
        self.snapshot == *snapshot && Arc::ptr_eq(&self.mirror, mirror)
    }
}

impl Snapshot {
    /// Opens an instance that has the tables, views and macros of the snapshot, and whose SQL reaches nothing else.
    fn open(&self, mirror: &Mirror) -> Result<Engine> {
        let engine = open_tables(&self.folder, mirror)?;
        let link = link_to(&engine)?;
        stored_views::read(&link, &self.folder)?;
        let folder = text(&format!("{}/", self.folder.to_string_lossy()));
        link.execute_batch(&format!("SET GLOBAL allowed_directories = [{folder}]"))
            .doing("set the folder of the snapshot")?;
        lock(&link)?;
        drop(link);
        Ok(engine)
    }
}

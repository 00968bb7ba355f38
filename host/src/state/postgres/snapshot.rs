//! Snapshots: copies of all tables as Parquet files, from which DuckDB answers reports of large installations.
//!
//! DuckDB reads PostgreSQL's tables row by row, which takes more than a second for millions of rows. It reads Parquet
//! files in a fraction of that. One host writes a snapshot at intervals, in one transaction, so that all of its tables are
//! of the same moment. All hosts read the newest one, and say of when it is.
//!
//! What is slow besides is to compute the views of the processors anew for each report. So the host that writes a snapshot
//! computes those that reports read, and stores them beside the tables.
//!
//! A snapshot that is being written may have read a session that is forgotten meanwhile. Its folder is there before its
//! transaction begins, and forgetting removes all folders after its commit. So either the transaction shows nothing of the
//! session, or the folder is gone and the snapshot fails. A command may forget while no host runs that knows the folder. So a
//! snapshot says who was forgotten last in its tables, and nobody reads one from before the last forgetting.

mod folders;
mod opened;
mod stored_views;
mod tables;

use std::path::Path;

use session_plugin_api::Timestamp;

use self::folders::Begun;
pub(super) use self::{
    folders::{Snapshot, newest, remove_all},
    opened::OpenedSnapshot,
};
use super::{fence::LastForgotten, mirror::Mirror};
use crate::state::{
    engine::{attached::passed_through, export::export, instance::Link, sql::in_transaction},
    error::{Doing, Result},
};

/// Writes a snapshot into a folder of snapshots through a link that nothing else uses and whose SQL may write there. Stores
/// the views of the mirror that one of `reports` reads. Removes those from before the last forgetting, all older ones but the
/// last, and what an older attempt has left.
///
/// # Errors
/// When the database cannot be reached, or a file cannot be written.
pub(super) fn write(link: &Link, snapshots: &Path, mirror: &Mirror, reports: &[String]) -> Result<Snapshot> {
    note(folders::remove_outdated(snapshots, LastForgotten::look(link)?));
    let begun = Begun::at(snapshots, now(link)?)?;
    let exported = in_transaction(link, "write a snapshot", |_| {
        begun.record(LastForgotten::look(link)?)?;
        export(link, &begun.partial)
    });
    let stored = exported.and_then(|_| stored_views::store(&begun.partial, mirror, reports));
    let snapshot = stored
        .and_then(|()| begun.complete())
        .inspect_err(|_| begun.abandon())?;
    note(folders::remove_old(snapshots, &snapshot));
    Ok(snapshot)
}

/// Notes if something cannot be removed now. It goes with the next snapshot.
fn note(removed: Result<()>) {
    if let Err(error) = removed {
        tracing::warn!("some old snapshots stay until the next one: {error}");
    }
}

/// The time on PostgreSQL's clock.
fn now(link: &Link) -> Result<Timestamp> {
    let asked = passed_through("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS micros");
    let micros = link.query_row(&asked, [], |row| row.get(0));
    micros.map(Timestamp::from_micros).doing("ask PostgreSQL for the time")
}

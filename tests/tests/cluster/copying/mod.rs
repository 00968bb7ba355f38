//! `session-host copy-state`: from a file to PostgreSQL, and back.

mod interrupted;
mod migrated;
mod million;
mod refused;
mod scene;
mod standing_still;
mod there_and_back;

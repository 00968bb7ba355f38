//! The tables: the host's own, those of the processors, and who owns which.

pub(crate) mod applied_migrations;
pub(crate) mod declared;
pub(crate) mod digests;
pub(crate) mod host_migrations;
pub(crate) mod host_tables;
pub(crate) mod known;
pub(crate) mod owners;
pub(crate) mod processor;
pub(crate) mod processor_migration;
pub(crate) mod refused;
pub(crate) mod shadows;

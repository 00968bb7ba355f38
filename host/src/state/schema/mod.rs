//! The tables: the host's own, those of the processors, and who owns which.

pub(crate) mod declared;
pub(crate) mod digests;
pub(crate) mod host;
pub(crate) mod host_tables;
pub(crate) mod migrate;
pub(crate) mod migrations;
pub(crate) mod owners;
pub(crate) mod processor;
pub(crate) mod refused;
pub(crate) mod shadows;

//! Processors on their way into the host: discovered, checked, copied, loaded.

mod catalogue;
mod copies;
mod host_log;
mod inspect;
mod library;
mod permissions;
mod processor;

pub use catalogue::{Catalogue, CatalogueError, LoadOptions, PluginFile, PluginStatus};
pub use permissions::PluginTrust;
pub use processor::{Fault, Instance, Processor, RunPermit, describe_fault};

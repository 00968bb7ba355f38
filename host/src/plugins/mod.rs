//! Loads plugins: finds their files, checks them, copies them, opens them, and keeps the loaded processors.

mod catalogue;
mod claims;
mod copies;
mod folder;
mod host_log;
mod inspect;
mod library;
mod listing;
mod load_options;
mod loading;
mod permissions;
mod plugin_file;
mod processor;
mod reference;
mod teardown;
mod wedges;

pub use catalogue::{Catalogue, CatalogueError};
pub use claims::{Claim, Claims, Occupation};
pub use listing::PluginListing;
pub use load_options::{LoadOptions, Tables};
pub use permissions::PluginTrust;
pub use plugin_file::{NewerFile, PluginFile, PluginStatus};
pub use processor::{Fault, Instance, Processor, describe_fault};
pub use teardown::drops_return;
pub use wedges::Wedge;

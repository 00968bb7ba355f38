//! Processors on their way into the host: discovered, checked, copied, loaded.

mod catalogue;
mod claims;
mod copies;
mod folder;
mod host_log;
mod inspect;
mod library;
mod listing;
mod loading;
mod permissions;
mod processor;
mod reference;
mod teardown;
mod wedges;

pub use catalogue::{Catalogue, CatalogueError, LoadOptions, NewerFile, PluginFile, PluginStatus, Tables};
pub use claims::{Claim, Claims, Occupation};
pub use listing::PluginListing;
pub use permissions::PluginTrust;
pub use processor::{Fault, Instance, Processor, describe_fault};
pub use teardown::drops_return;
pub use wedges::Wedge;

//! Loads plugins: finds their files, checks them, copies them, opens them, and keeps the loaded processors.

mod call;
mod catalogue;
mod claims;
mod copies;
mod folder;
mod hook;
mod host_log;
mod in_process;
mod inspect;
mod instance;
mod isolation_settings;
mod known;
mod library;
mod listing;
mod load_options;
mod loading;
mod opened;
mod opening;
mod over_link;
mod passed_trials;
mod permissions;
mod pins;
mod plugin_file;
mod plugin_files;
mod pool;
mod processor;
mod reading;
mod reference;
mod remote;
mod reports;
mod serving;
mod teardown;
mod time_limit;
mod trial;
mod view;
mod wedges;

pub use call::{Call, CallError, CallResult, Cancel, Refusal, Requests, TakeRows, Unending, Watch};
pub use catalogue::{Catalogue, CatalogueError};
pub use claims::{Claim, Claims, Occupation};
pub use hook::Hook;
pub use instance::describe_fault;
pub use isolation_settings::{
    ISOLATION_VARIABLE, InvalidIsolation, Isolation, IsolationMode, IsolationTable, ProcessorIsolation,
};
pub use known::{Holds, KnownFile, LookOptions, known_files};
pub use listing::PluginListing;
pub use load_options::{LoadOptions, Tables, TriedReports};
pub use passed_trials::FILE as TRIALS_FILE;
pub use permissions::PluginTrust;
pub use pins::{FileDigest, InvalidDigest, LockError, LockFile, Pinned, Pinning, Unpinned};
pub use plugin_file::{NewerFile, PluginFile, PluginStatus};
pub use plugin_files::PluginFiles;
pub use processor::{Fault, Processor, RunsIn};
pub use reports::{CheckedReport, CheckedSelect, RejectedReport, Reports};
pub use serving::serve;
pub use teardown::drops_return;
pub use wedges::Wedge;

pub use crate::workers::{Ending, Killer};

//! The reports of the loaded processors: SELECTs that come with their plugins, which people run by name.

mod asked;
mod error;
mod last_days;
mod registry;
mod result;
mod run;

pub use asked::AskedReport;
pub use error::ReportError;
pub use registry::{ReportListing, list, overview};
pub use result::{ReportResult, ResultColumn, value};
pub use run::{Question, run};

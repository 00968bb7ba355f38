//! The reports of the loaded processors: SELECTs that come with their plugins, which people run by name.

mod asked;
mod cells;
mod error;
mod last_days;
mod registry;
mod result;
mod run;
mod sessions;

pub use asked::AskedReport;
pub use cells::{Cells, NO_NUMBER};
pub use error::ReportError;
pub use registry::{ReportListing, daily, list, overview, selects};
pub use result::{ReportResult, ResultColumn, text_of, value};
pub use run::{Question, run};
pub use sessions::{
    AskedSessions, SessionColumn, SessionIndex, SessionPage, SessionPlace, SessionStanding, SessionsError,
    session_columns,
};

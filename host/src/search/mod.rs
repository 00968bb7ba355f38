//! Searches the texts of transcripts: those that a processor keeps and offers by [`Descriptor::searchable`].
//!
//! The host knows no table of that processor, only its SELECT. So the texts of any plugin can be searched.
//!
//! [`Descriptor::searchable`]: session_plugin_api::Descriptor::searchable

mod answer;
mod asked;
mod error;
mod excerpt;
mod place;
mod run;
mod words;

pub use answer::{Hit, SearchAnswer};
pub use asked::{AskedSearch, LARGEST_LIMIT};
pub use error::SearchError;
pub use excerpt::{Excerpt, Piece};
pub use run::run;

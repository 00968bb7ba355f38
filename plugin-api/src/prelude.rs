//! The names that most plugins need: `use session_plugin_api::prelude::*;`

pub use crate::{
    Configuration, Connection, Descriptor, Error, Migration, ProcessorResult, ReferenceTables, Result, Session,
    SessionProcessor, Timestamp, export_processor, log, row, transcript::Event,
};

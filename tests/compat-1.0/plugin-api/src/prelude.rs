//! What a plugin's source begins with: `use session_plugin_api::prelude::*;`

pub use crate::{
    Configuration, Connection, Descriptor, Error, Migration, ProcessorResult, Result, Session, SessionProcessor,
    Timestamp, export_processor, log, row, transcript::Event,
};

//! The names that most plugins need: `use session_plugin_api::prelude::*;`

pub use crate::{
    Chart, Configuration, Connection, Descriptor, Error, Migration, Order, ProcessorResult, ReferenceTables, Report,
    ReportColumn, Result, Session, SessionProcessor, Timestamp, Unit, export_processor, log, row, transcript::Event,
};

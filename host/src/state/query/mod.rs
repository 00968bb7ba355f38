//! Reads the state: lists, queries that people write, exports.

pub(crate) mod ask;
pub(crate) mod json;
pub(crate) mod look;
pub(crate) mod memory;
pub(crate) mod one_session;
pub(crate) mod reader;
pub(crate) mod report;
pub(crate) mod report_check;
pub(crate) mod search;
pub(crate) mod session_list;
pub(crate) mod tables;

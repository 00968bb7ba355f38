//! What the scan needs to know of transcripts: their strings, where those stand, and the files that they come from.

mod files;
mod json_path;
mod strings;

pub(crate) use self::{
    files::{FilesOfLine, ToolFiles},
    json_path::{JsonPath, Segment},
    strings::{Enclosure, Place, Role, for_each_string},
};

//! The view of transcripts that the search for secrets needs: strings, their positions, and the files that they come
//! from.

mod files;
mod json_path;
mod strings;

pub(crate) use self::{
    files::{FilesOfLine, ToolFiles},
    json_path::{JsonPath, Segment},
    strings::{Enclosure, Place, Role, for_each_string},
};

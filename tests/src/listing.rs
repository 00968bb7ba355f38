//! What `session-host processors --json` prints.

use serde::Deserialize;

use crate::{ran::Ran, world::World};

/// A file of the plugins directory, as it is listed.
#[derive(Clone, Debug, Deserialize)]
pub struct Listed {
    /// Its path.
    pub file: String,
    /// `loaded`, `unavailable` or `rejected`.
    pub status: String,
    /// The processor's name.
    pub processor: Option<String>,
    /// Why it does not serve, in one line.
    pub reason: Option<String>,
    /// The long explanation.
    pub details: Option<String>,
    /// What was tried, step by step.
    pub trace: Vec<String>,
}

/// All files of the plugins directory.
#[derive(Debug)]
pub struct Listing {
    /// The files, in the order of their names.
    pub files: Vec<Listed>,
    /// How the command ended, with its log.
    pub ran: Ran,
}

impl World {
    /// Lists the plugins directory.
    #[must_use]
    #[track_caller]
    pub fn processors(&self) -> Listing {
        let ran = self.host(&["processors", "--json"]).exits(0);
        let files = serde_json::from_value(ran.json()).expect("the listing has the shape that users know");
        Listing { files, ran }
    }
}

impl Listing {
    /// The file of this name.
    #[must_use]
    #[track_caller]
    pub fn of(&self, file: &str) -> &Listed {
        let mut files = self.files.iter();
        files
            .find(|listed| listed.file.ends_with(&format!("/{file}")))
            .unwrap_or_else(|| panic!("{file} is not listed: {:?}", self.files))
    }

    /// Why the file of this name is rejected.
    #[must_use]
    #[track_caller]
    pub fn rejection_of(&self, file: &str) -> &str {
        let listed = self.of(file);
        assert_eq!(listed.status, "rejected", "{listed:?}");
        let reason = listed.reason.as_deref().expect("what is rejected has a reason");
        assert!(!reason.contains('\n'), "a reason is one line: {reason}");
        reason
    }

    /// The names of the processors that serve.
    #[must_use]
    pub fn loaded(&self) -> Vec<&str> {
        let files = self.files.iter().filter(|listed| listed.status == "loaded");
        files.filter_map(|listed| listed.processor.as_deref()).collect()
    }
}

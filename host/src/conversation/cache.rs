//! Remembers where the pages of the latest transcripts begin, so that the next page is found without a pass over the file.

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use session_plugin_api::Timestamp;

use super::{pages::Pages, source::Source};

/// How many transcripts are remembered. Most take a few kilobytes.
const REMEMBERED: usize = 64;

/// How many pages are remembered, of all transcripts. Each takes 16 bytes.
const PAGES: usize = 1 << 20;

/// The pages of the latest transcripts.
#[derive(Debug, Default)]
pub struct PageCache {
    latest: Mutex<VecDeque<(Version, Arc<Pages>)>>,
}

/// One version of one file.
#[derive(Debug, PartialEq, Eq)]
struct Version {
    path: PathBuf,
    inode: u64,
    size: u64,
    modified: Timestamp,
}

impl PageCache {
    /// The pages of an open transcript.
    pub(super) fn pages(&self, path: &Path, source: &Source) -> io::Result<Arc<Pages>> {
        let version = Version {
            path: path.to_owned(),
            inode: source.inode(),
            size: source.size(),
            modified: source.modified(),
        };
        if let Some(known) = self.find(&version) {
            return Ok(known);
        }
        let pages = Arc::new(source.find_pages()?);
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.retain(|(known, _)| known.path != version.path);
        latest.push_back((version, Arc::clone(&pages)));
        while latest.len() > REMEMBERED || pages_in(&latest) > PAGES {
            latest.pop_front();
        }
        Ok(pages)
    }

    fn find(&self, version: &Version) -> Option<Arc<Pages>> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = latest.iter();
        known
            .find(|(known, _)| known == version)
            .map(|(_, pages)| Arc::clone(pages))
    }
}

fn pages_in(latest: &VecDeque<(Version, Arc<Pages>)>) -> usize {
    latest.iter().map(|(_, pages)| pages.count()).sum()
}

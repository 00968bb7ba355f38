//! A transcript as a conversation: who said what, what each tool was asked and answered, page by page.
//!
//! A transcript may have 100 MB, so nobody reads it whole: one pass over its bytes finds where its pages begin, and only the
//! lines of one page are parsed. A transcript may also hold secrets. No text leaves this module but as a [`Masked`] one, which
//! only a [`Mask`] makes, so no caller can show a secret by mistake.
//!
//! This module knows nothing of HTML.
//!
//! # Threads
//! Every call may wait for the disk. Conversations share one [`PageCache`].

mod cache;
mod calls;
mod diffs;
mod entry;
mod fields;
mod json;
mod markdown;
mod masking;
mod pages;
mod reading;
mod source;
#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc};

use session_plugin_api::Timestamp;

pub use cache::PageCache;
pub use diffs::{Change, Diff, DiffLine, Hunk};
pub use entry::{
    AgentId, Call, CallElsewhere, Entry, Field, Output, Part, Response, ResponseId, ResultElsewhere, Speaker, Tokens,
};
pub use markdown::MARKDOWN;
pub use masking::{Excerpt, Extent, Mask, Masked};
pub use pages::{LONGEST_LINE, Page, Pages};
pub use source::ConversationError;

use masking::Look;
use reading::Neighbours;
use source::Source;

/// One line, with nothing cut off that anybody reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeLine {
    /// What it says.
    pub entries: Vec<Entry>,
    /// Its first records as JSON, and pieces that are none as they stand.
    pub records: Vec<Excerpt>,
}

/// An open transcript.
#[derive(Debug)]
pub struct Conversation {
    source: Source,
    pages: Arc<Pages>,
}

impl Conversation {
    /// Opens a transcript, and finds where its pages begin unless the cache knows.
    ///
    /// # Errors
    /// When it cannot be read, or is no regular file.
    pub fn open(path: &Path, cache: &PageCache) -> Result<Self, ConversationError> {
        let source = Source::open(path)?;
        let pages = cache.pages(path, &source)?;
        Ok(Self { source, pages })
    }

    /// Where its pages begin.
    #[must_use]
    pub fn pages(&self) -> &Pages {
        &self.pages
    }

    /// Its size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.source.size()
    }

    /// When it was last written.
    #[must_use]
    pub fn modified(&self) -> Timestamp {
        self.source.modified()
    }

    /// What a page says.
    ///
    /// # Errors
    /// When the transcript cannot be read.
    pub fn read(&self, page: &Page, mask: &Mask, extent: Extent) -> Result<Vec<Entry>, ConversationError> {
        if page.is_too_long() {
            return Ok(vec![Entry::too_long(page.first_line, page.bytes())]);
        }
        let text = self.source.read(page.range())?;
        let [before, after] = [page.number.checked_sub(1), page.number.checked_add(1)].map(|number| {
            let page = self.pages.get(number?).filter(|page| !page.is_too_long())?;
            Some((page.first_line, self.source.read(page.range())))
        });
        let neighbours = Neighbours {
            before: before
                .map(|(line, text)| Ok::<_, ConversationError>((line, text?)))
                .transpose()?,
            after: after
                .map(|(line, text)| Ok::<_, ConversationError>((line, text?)))
                .transpose()?,
        };
        Ok(reading::entries(
            page.first_line,
            &text,
            &neighbours,
            Look::new(mask, extent),
        ))
    }

    /// One line, with nothing cut off that anybody reads. `None` if there is no such line.
    ///
    /// # Errors
    /// When the transcript cannot be read.
    pub fn line(&self, number: u64, mask: &Mask) -> Result<Option<WholeLine>, ConversationError> {
        let Some(page) = self.pages.with_line(number) else {
            return Ok(None);
        };
        if page.is_too_long() {
            return Ok(Some(WholeLine {
                entries: vec![Entry::too_long(page.first_line, page.bytes())],
                records: Vec::new(),
            }));
        }
        let text = self.source.read(page.range())?;
        let place = usize::try_from(number - page.first_line).unwrap_or(usize::MAX);
        let Some(line) = text.split_inclusive(|byte| *byte == b'\n').nth(place) else {
            return Ok(None);
        };
        let neighbours = Neighbours::default();
        Ok(Some(WholeLine {
            entries: reading::entries(number, line, &neighbours, Look::new(mask, Extent::Whole)),
            records: reading::records(line, mask),
        }))
    }
}

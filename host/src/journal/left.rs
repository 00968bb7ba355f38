//! Reads what an earlier process left in its journal.
//!
//! Whatever the file holds, this gives an answer: a journal that cannot be read costs what it said, never a start.

use std::collections::HashSet;

use super::{
    ending::Crash,
    pages::{read_header, slots_of},
    slot::{self, Usage},
    suspects::SuspectKey,
    work::LeftWork,
};

/// What an earlier process left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The plugins that ended it.
    pub(super) crashes: Vec<Crash>,
    /// What ran when it ended, and nothing told why.
    pub(super) suspects: Vec<SuspectKey>,
    /// The signal that it got on a thread outside plugins.
    pub(super) stray: Option<i32>,
    /// Whether the file is something else, or of another version.
    pub(super) is_foreign: bool,
}

impl Found {
    /// Reads a journal.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let Some(header) = read_header(bytes) else {
            return Self {
                is_foreign: !bytes.is_empty(),
                ..Self::default()
            };
        };
        let mut found = Self {
            stray: header.stray,
            ..Self::default()
        };
        let mut unexplained = Vec::new();
        for left in slots_of(bytes).filter_map(slot::read) {
            if left.usage == Usage::Suspect {
                found.suspects.extend(SuspectKey::read(&left.text));
                continue;
            }
            let Some(work) = LeftWork::read(&left.text) else {
                continue;
            };
            let suspect = SuspectKey::of_work(&work);
            match Crash::of(&left, work) {
                Some(crash) => found.crashes.push(crash),
                None => unexplained.push(suspect),
            }
        }
        // Where one plugin ended the process, or it ended in order, what else ran is not to blame.
        if found.crashes.is_empty() && !header.is_closed {
            found.suspects.extend(unexplained);
        }
        let mut known = HashSet::new();
        found.suspects.retain(|suspect| known.insert(*suspect));
        found
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, os::unix::fs::FileExt as _, path::Path};

    use proptest::prelude::*;

    use super::*;
    use crate::{
        journal::{
            pages::{FILE_BYTES, Pages, read_used},
            slot::{Exit, SLOT_BYTES, Stage},
            suspects::SuspectCount,
            work::{AttemptOf, Plugin, Work},
        },
        names::{FileHash, SessionKey},
    };

    fn fill(pages: &Pages, place: usize, session: &str) {
        let attempt = AttemptOf {
            processor: &"probe".parse().unwrap(),
            session: &SessionKey::new(session),
            username: "alice",
            hash: &FileHash::from_hex("00ff"),
        };
        let plugin = Plugin::new(Path::new("probe.so"), "ab12");
        let text = Work::Attempt(attempt).text(&plugin).unwrap();
        assert!(pages.slots[place].claim());
        pages.slots[place].fill(Usage::InUse, Stage::Attempt, 1, &text);
    }

    fn bytes_of(file: &File) -> Vec<u8> {
        let mut bytes = vec![0; FILE_BYTES];
        file.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    }

    fn mapped() -> (File, &'static Pages) {
        let file = tempfile::tempfile().unwrap();
        let pages = Pages::map(&file).unwrap();
        (file, pages)
    }

    #[test]
    fn a_new_journal_tells_nothing() {
        let (file, pages) = mapped();
        fill(pages, 0, "alice/a.jsonl");
        pages.slots[0].clear();
        assert_eq!(Found::read(&bytes_of(&file)), Found::default());
        assert_eq!(Found::read(b""), Found::default());
    }

    #[test]
    fn a_mark_is_a_crash_and_clears_what_else_ran_of_suspicion() {
        let (file, pages) = mapped();
        fill(pages, 0, "alice/a.jsonl");
        fill(pages, 255, "alice/b.jsonl");
        let unmarked = Found::read(&bytes_of(&file));
        assert_eq!((unmarked.crashes.len(), unmarked.suspects.len()), (0, 2));
        pages.slots[255].mark_exit(Exit::Exit, 7);
        let found = Found::read(&bytes_of(&file));
        assert!(found.suspects.is_empty());
        let [crash] = &found.crashes[..] else {
            panic!("{found:?}")
        };
        assert_eq!(crash.attempt.as_ref().unwrap().session.as_str(), "alice/b.jsonl");
        assert_eq!(crash.at.as_micros(), 7);
    }

    #[test]
    fn an_end_in_order_leaves_no_suspects_but_keeps_crashes() {
        let (file, pages) = mapped();
        fill(pages, 0, "alice/a.jsonl");
        pages.close();
        assert!(Found::read(&bytes_of(&file)).suspects.is_empty());
        pages.slots[0].mark_signal(libc::SIGABRT, 7);
        assert_eq!(Found::read(&bytes_of(&file)).crashes.len(), 1);
    }

    #[test]
    fn suspects_stay_in_the_next_journals_until_they_are_cleared() {
        let (file, pages) = mapped();
        fill(pages, 0, "alice/a.jsonl");
        pages.slots[0].replace_stage(Stage::Constructor);
        let first = Found::read(&bytes_of(&file));
        let (file, pages) = mapped();
        let count = SuspectCount::default();
        count.keep(&pages.slots, &first.suspects);
        assert_eq!(Found::read(&bytes_of(&file)).suspects, first.suspects);
        let suspects = crate::journal::Suspects {
            found: Some((&count, &pages.slots)),
        };
        let (processor, session) = ("probe".parse().unwrap(), SessionKey::new("alice/a.jsonl"));
        assert_eq!(suspects.count(), 1);
        assert!(!suspects.has_loading("ab12"));
        assert!(suspects.has(&processor, &session));
        assert_eq!(Found::read(&bytes_of(&file)).suspects, first.suspects);
        suspects.clear(&processor, &session);
        assert!(!suspects.has(&processor, &session));
        assert_eq!(Found::read(&bytes_of(&file)), Found::default());
    }

    #[test]
    fn a_journal_of_another_version_or_of_something_else_is_foreign() {
        for bytes in [&b"session-host cj2"[..], b"s", &[0; 100_000]] {
            let found = Found::read(bytes);
            assert!(found.is_foreign && found.crashes.is_empty());
        }
    }

    #[test]
    fn a_torn_slot_costs_itself_alone() {
        let (file, pages) = mapped();
        fill(pages, 0, "alice/a.jsonl");
        fill(pages, 1, "alice/b.jsonl");
        let mut bytes = bytes_of(&file);
        bytes[SLOT_BYTES + 70] ^= 1;
        assert_eq!(Found::read(&bytes).suspects.len(), 1);
        for length in [1, 15, 16, 20, 24, SLOT_BYTES, SLOT_BYTES * 2, SLOT_BYTES * 3 - 1] {
            assert!(Found::read(&bytes[..length]).suspects.is_empty(), "{length}");
        }
        assert_eq!(Found::read(&bytes[..SLOT_BYTES * 3]).suspects.len(), 1);
    }

    proptest! {
        #[test]
        fn a_file_tells_the_same_without_its_free_slots(
            filled in prop::collection::btree_set(0..8_usize, 0..8),
            changes in prop::collection::vec((0..9 * SLOT_BYTES, any::<u8>()), 0..20),
            length in prop_oneof![Just(FILE_BYTES), 0..10 * SLOT_BYTES],
        ) {
            let (file, pages) = mapped();
            for place in filled {
                fill(pages, place, &format!("alice/{place}.jsonl"));
            }
            let mut bytes = bytes_of(&file);
            for (at, byte) in changes {
                bytes[at] = byte;
            }
            bytes.truncate(length);
            let changed = tempfile::tempfile().unwrap();
            changed.write_all_at(&bytes, 0).unwrap();
            prop_assert_eq!(Found::read(&read_used(&changed).unwrap()), Found::read(&bytes));
        }

        #[test]
        fn any_change_of_a_slot_is_read_without_a_panic(changes in prop::collection::vec((0..128_usize, any::<u8>()), 1..20)) {
            let (file, pages) = mapped();
            fill(pages, 0, "alice/a.jsonl");
            let mut bytes = bytes_of(&file);
            bytes.truncate(SLOT_BYTES * 2);
            for (at, byte) in changes {
                bytes[SLOT_BYTES + at] = byte;
            }
            let found = Found::read(&bytes);
            prop_assert!(found.crashes.len() + found.suspects.len() <= 1);
        }
    }
}

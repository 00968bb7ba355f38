//! One slot of the journal: what a thread does in the code of a plugin, and how it ended there.
//!
//! A slot consists of atomics only. So any bytes are a valid slot, a signal handler may mark it, and the host writes it
//! without a lock.

use std::sync::atomic::{
    AtomicI64, AtomicU8, AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use serde::{Deserialize, Serialize};

/// How large a slot is, in bytes. It has room for every path that the system opens, and a system page never holds two slots.
pub(super) const SLOT_BYTES: usize = 16 << 10;

/// How many bytes of text a slot takes.
pub(super) const TEXT_BYTES: usize = SLOT_BYTES - 64;

/// A slot of the mapped file.
#[repr(C, align(64))]
pub(super) struct Slot {
    usage: AtomicU32,
    signal: AtomicU32,
    second_signal: AtomicU32,
    exit: AtomicU32,
    stage: AtomicU32,
    length: AtomicU32,
    since: AtomicI64,
    ended_at: AtomicI64,
    checksum: AtomicU64,
    _reserved: [u8; 16],
    text: [AtomicU8; TEXT_BYTES],
}

const _: () = assert!(size_of::<Slot>() == SLOT_BYTES);

/// What a slot is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Usage {
    /// Nothing.
    Free = 0,
    /// A thread writes it.
    Claimed = 1,
    /// A thread is in the code of a plugin.
    InUse = 2,
    /// An earlier process ended while this was in use, and nothing told why.
    Suspect = 3,
}

/// Which part of a plugin runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u32)]
pub enum Stage {
    /// The constructors of the library, while the system opens it.
    Opening = 1,
    /// The constructor of the processor.
    Constructor = 2,
    /// Its descriptor.
    Descriptor = 3,
    /// `configure`.
    Configure = 4,
    /// `reference_rows`.
    ReferenceRows = 5,
    /// `process_session`.
    Attempt = 6,
    /// `Drop`.
    Drop = 7,
}

impl Stage {
    const ALL: [Self; 7] = [
        Self::Opening,
        Self::Constructor,
        Self::Descriptor,
        Self::Configure,
        Self::ReferenceRows,
        Self::Attempt,
        Self::Drop,
    ];

    fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| *stage as u32 == number)
    }
}

/// By which function a plugin ended the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Exit {
    /// `exit`.
    Exit = 1,
    /// `quick_exit`.
    QuickExit = 2,
}

/// What a slot says that an earlier process left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) usage: Usage,
    pub(super) stage: Stage,
    /// The signals that the thread got, the first and the one after it; 0 for none.
    pub(super) signals: [i32; 2],
    pub(super) exit: Option<Exit>,
    /// When the call began, and when it ended the process, in microseconds since the epoch.
    pub(super) since: i64,
    pub(super) ended_at: i64,
    pub(super) text: Vec<u8>,
}

impl Slot {
    /// Takes the slot if it is free.
    pub(super) fn claim(&self) -> bool {
        self.change(Usage::Free, Usage::Claimed)
    }

    /// Takes the slot if it holds a suspect.
    pub(super) fn claim_suspect(&self) -> bool {
        self.change(Usage::Suspect, Usage::Claimed)
    }

    fn change(&self, from: Usage, to: Usage) -> bool {
        self.usage
            .compare_exchange(from as u32, to as u32, Acquire, Relaxed)
            .is_ok()
    }

    /// Whether it holds a suspect.
    pub(super) fn is_suspect(&self) -> bool {
        self.usage.load(Acquire) == Usage::Suspect as u32
    }

    /// Fills a claimed slot. `text` must fit.
    pub(super) fn fill(&self, usage: Usage, stage: Stage, since: i64, text: &[u8]) {
        for (place, byte) in self.text.iter().zip(text) {
            place.store(*byte, Relaxed);
        }
        self.length.store(u32::try_from(text.len()).unwrap_or(0), Relaxed);
        self.checksum.store(checksum(text), Relaxed);
        self.stage.store(stage as u32, Relaxed);
        self.since.store(since, Relaxed);
        self.usage.store(usage as u32, Release);
    }

    /// Empties the slot: no name stays in the file.
    pub(super) fn clear(&self) {
        self.usage.store(Usage::Claimed as u32, Relaxed);
        let used = self.length.load(Relaxed) as usize;
        for place in self.text.iter().take(used) {
            place.store(0, Relaxed);
        }
        for number in [&self.signal, &self.second_signal, &self.exit, &self.stage, &self.length] {
            number.store(0, Relaxed);
        }
        self.usage.store(Usage::Free as u32, Release);
    }

    /// Changes the stage, and gives the one before.
    pub(super) fn replace_stage(&self, stage: Stage) -> u32 {
        self.stage.swap(stage as u32, Relaxed)
    }

    /// Goes back to an earlier stage.
    pub(super) fn restore_stage(&self, stage: u32) {
        self.stage.store(stage, Relaxed);
    }

    /// Marks the slot with a signal. The first one stays the first: an overflow of the stack is followed by an abort.
    ///
    /// A signal handler calls this, so it only stores numbers.
    pub(super) fn mark_signal(&self, signal: i32, at: i64) {
        let signal = signal.cast_unsigned();
        match self.signal.compare_exchange(0, signal, Relaxed, Relaxed) {
            Ok(_) => self.ended_at.store(at, Relaxed),
            Err(_) => self.second_signal.store(signal, Relaxed),
        }
    }

    /// Marks the slot with the function by which its thread ends the process.
    pub(super) fn mark_exit(&self, exit: Exit, at: i64) {
        self.exit.store(exit as u32, Relaxed);
        self.ended_at.store(at, Relaxed);
    }

    /// The text that it holds.
    pub(super) fn text(&self) -> Vec<u8> {
        let length = (self.length.load(Relaxed) as usize).min(TEXT_BYTES);
        self.text[..length].iter().map(|byte| byte.load(Relaxed)).collect()
    }
}

/// Reads the slot that an earlier process left as these bytes; `None` if it was free, or if it was not written whole.
pub(super) fn read(bytes: &[u8]) -> Option<Left> {
    let word = |at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let long = |at: usize| Some(u64::from_ne_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let usage = match word(0)? {
        number if number == Usage::InUse as u32 => Usage::InUse,
        number if number == Usage::Suspect as u32 => Usage::Suspect,
        _ => return None,
    };
    let text = bytes.get(64..64 + word(20)? as usize)?;
    if checksum(text) != long(40)? {
        return None;
    }
    let signals = [word(4)?, word(8)?].map(u32::cast_signed);
    let exit = match word(12)? {
        1 => Some(Exit::Exit),
        2 => Some(Exit::QuickExit),
        _ => None,
    };
    Some(Left {
        usage,
        stage: Stage::from_number(word(16)?)?,
        signals,
        exit,
        since: long(24)?.cast_signed(),
        ended_at: long(32)?.cast_signed(),
        text: text.to_vec(),
    })
}

/// The FNV-1a hash: it reveals a text of which a loss of power kept a part.
fn checksum(text: &[u8]) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325;
    text.iter().fold(start, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

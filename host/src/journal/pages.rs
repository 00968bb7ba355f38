//! The mapped file: a header and a fixed number of slots.
//!
//! The system keeps what a process wrote into the mapping however the process ends, so nothing is ever written to the disk on
//! purpose. A loss of power may therefore cost or tear a slot: its checksum reveals that.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    ptr,
    sync::atomic::{
        AtomicU8, AtomicU32,
        Ordering::{Relaxed, Release},
    },
};

use rustix::{
    fs::{FallocateFlags, fallocate},
    mm::{MapFlags, ProtFlags, mmap},
};

use super::slot::{SLOT_BYTES, Slot, Usage};

/// How many threads can be in plugins at once and be recorded.
pub(super) const SLOTS: usize = 256;

/// How large the file is, in bytes.
pub(super) const FILE_BYTES: usize = size_of::<Pages>();

/// The first bytes of the file: what it is, and the version of its format.
pub(super) const MAGIC: [u8; 16] = *b"session-host cj1";

/// Where the number of the signal of a thread outside plugins lies.
const STRAY: usize = 16;
/// Where the mark of an end in order lies.
const CLOSED: usize = 20;

/// The whole file.
#[repr(C)]
pub(super) struct Pages {
    header: Header,
    pub(super) slots: [Slot; SLOTS],
}

#[repr(C, align(64))]
struct Header {
    magic: [AtomicU8; 16],
    /// The signal that a thread outside plugins got; 0 for none.
    stray: AtomicU32,
    /// Whether the process has ended its work: what is still in use then is no suspect.
    closed: AtomicU32,
    _reserved: [u8; SLOT_BYTES - 24],
}

impl Pages {
    /// Maps a file, emptied, for as long as the process lives.
    ///
    /// # Errors
    /// When the disk has no room for it, or the system refuses.
    #[allow(unsafe_code, reason = "the mapped file is used as memory")]
    pub(super) fn map(file: &File) -> io::Result<&'static Self> {
        file.set_len(0)?;
        file.set_len(FILE_BYTES as u64)?;
        // A full disk must show here, not in the middle of an attempt. Not every file system can allocate.
        match fallocate(file, FallocateFlags::empty(), 0, FILE_BYTES as u64) {
            Ok(()) | Err(rustix::io::Errno::OPNOTSUPP) => {}
            Err(error) => return Err(error.into()),
        }
        file.write_all_at(&MAGIC, 0)?;
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the mapping is new and nothing else uses its addresses.
        let start = unsafe { mmap(ptr::null_mut(), FILE_BYTES, protection, MapFlags::SHARED, file, 0)? };
        // SAFETY: the mapping is as long as `Pages` and aligned to a system page. Nobody unmaps it. `Pages` consists of
        // atomics, so any bytes are valid and others may change them. If the file shrinks, `memory_without_a_file` in
        // `signals` puts other memory in its place.
        Ok(unsafe { &*start.cast::<Self>() })
    }

    /// Notes the signal of a thread that runs no plugin. A signal handler calls this.
    pub(super) fn mark_stray(&self, signal: i32) {
        self.header.stray.store(signal.cast_unsigned(), Relaxed);
    }

    /// Notes that the process has ended its work.
    pub(super) fn close(&self) {
        self.header.closed.store(1, Release);
    }

    /// Whether an address lies in the mapping.
    pub(super) fn has(&self, address: usize) -> bool {
        let start = ptr::from_ref(self).addr();
        (start..start + FILE_BYTES).contains(&address)
    }
}

/// What the header of an earlier process says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LeftHeader {
    pub(super) stray: Option<i32>,
    pub(super) is_closed: bool,
}

/// Reads the header of a file; `None` if the file is something else.
pub(super) fn read_header(bytes: &[u8]) -> Option<LeftHeader> {
    let word = |at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    bytes.starts_with(&MAGIC).then_some(())?;
    let stray = word(STRAY)?.cast_signed();
    Some(LeftHeader {
        stray: (stray != 0).then_some(stray),
        is_closed: word(CLOSED)? != 0,
    })
}

/// The header of a file, and behind it those of its slots that are not free. Nearly all are free: to read them too would
/// take a start some milliseconds.
///
/// # Errors
/// When the system refuses.
pub(super) fn read_used(file: &File) -> io::Result<Vec<u8>> {
    let mut used = part_of(file, 0, SLOT_BYTES)?;
    for place in (1..=SLOTS).map(|slot| (slot * SLOT_BYTES) as u64) {
        let usage = part_of(file, place, size_of::<u32>())?;
        if usage.is_empty() {
            break;
        }
        if usage != (Usage::Free as u32).to_ne_bytes() {
            used.append(&mut part_of(file, place, SLOT_BYTES)?);
        }
    }
    Ok(used)
}

/// So many bytes of a file from a place on, or fewer at its end.
fn part_of(file: &File, place: u64, bytes: usize) -> io::Result<Vec<u8>> {
    let mut part = vec![0; bytes];
    let mut filled = 0;
    while filled < bytes {
        match file.read_at(&mut part[filled..], place + filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    part.truncate(filled);
    Ok(part)
}

/// The slots of a file, as many as are whole.
pub(super) fn slots_of(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.chunks_exact(SLOT_BYTES).skip(1).take(SLOTS)
}

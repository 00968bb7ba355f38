//! Memory that the host shares with its worker processes. The host reads transcripts straight into it, so that none is copied
//! on its way to a worker.
//!
//! The memory is a file in memory that the host alone can write. Seals keep its length, and keep everyone from writing through
//! a later mapping. Elsewhere than on Linux it is an unnamed temporary file, into which the host copies each transcript, and
//! which the workers read.
//!
//! # Threads
//! Any thread takes buffers and gives them back. The lock is held only for moments.

mod bytes;
mod file;
mod free_ranges;
mod received;

use std::{
    fmt,
    fs::File,
    io,
    ops::{Deref, DerefMut, Range},
    os::fd::{AsFd, BorrowedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use memmap2::MmapRaw;

pub use bytes::{TranscriptBytes, TranscriptSlice};
pub use file::memory_file;
use free_ranges::FreeRanges;
pub use received::ReceivedMemory;

/// Memory that worker processes can read. Clones share it.
#[derive(Clone)]
pub struct SharedMemory {
    shared: Arc<Shared>,
}

struct Shared {
    file: File,
    mapping: MmapRaw,
    free: Mutex<FreeRanges>,
}

/// A part of the memory, which nobody else has until it is dropped.
pub struct SharedBuffer {
    memory: SharedMemory,
    range: Range<usize>,
    length: usize,
}

/// Buffers begin at multiples of this, in bytes, so that few of them divide what is free.
const UNIT: usize = 4 << 10;

impl SharedMemory {
    /// Memory with room for so many bytes. Only what is written takes memory.
    ///
    /// # Errors
    /// When there is not enough memory.
    pub fn with_room_for(bytes: usize) -> io::Result<Self> {
        let room = in_units(bytes);
        let (file, mapping) = file::mapped(room)?;
        Ok(Self {
            shared: Arc::new(Shared {
                file,
                mapping,
                free: Mutex::new(FreeRanges::all(room)),
            }),
        })
    }

    /// A buffer of so many bytes, whatever they are; `None` if there is no room for it.
    #[must_use]
    pub fn take(&self, bytes: usize) -> Option<SharedBuffer> {
        let range = self.free().take(in_units(bytes))?;
        Some(SharedBuffer {
            memory: self.clone(),
            range,
            length: bytes,
        })
    }

    /// The file, to be passed on.
    #[must_use]
    pub fn file(&self) -> BorrowedFd<'_> {
        self.shared.file.as_fd()
    }

    /// Whether this is the same memory.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    fn free(&self) -> MutexGuard<'_, FreeRanges> {
        self.shared.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SharedBuffer {
    /// A buffer that holds these bytes, in memory of its own.
    ///
    /// # Errors
    /// When there is not enough memory.
    pub fn holding(bytes: &[u8]) -> io::Result<Self> {
        let memory = SharedMemory::with_room_for(bytes.len())?;
        let mut buffer = memory.take(bytes.len()).ok_or(io::ErrorKind::OutOfMemory)?;
        buffer.copy_from_slice(bytes);
        Ok(buffer)
    }

    /// The memory that it is a part of.
    #[must_use]
    pub fn memory(&self) -> &SharedMemory {
        &self.memory
    }

    /// Where in the memory it begins, in bytes.
    #[must_use]
    pub fn start(&self) -> usize {
        self.range.start
    }

    /// Cuts off what follows the first bytes.
    pub fn truncate(&mut self, bytes: usize) {
        self.length = self.length.min(bytes);
    }

    /// Lets workers see what it holds.
    ///
    /// # Errors
    /// When the system cannot write.
    pub fn publish(&self) -> io::Result<()> {
        #[cfg(not(target_os = "linux"))]
        std::os::unix::fs::FileExt::write_all_at(&self.memory.shared.file, self, self.start() as u64)?;
        Ok(())
    }
}

impl Deref for SharedBuffer {
    type Target = [u8];

    #[allow(unsafe_code, reason = "a part of a mapping")]
    fn deref(&self) -> &[u8] {
        let mapping = &self.memory.shared.mapping;
        // SAFETY: the range lies within the mapping, whose file keeps its length and begins with zeros. No other buffer has a
        // part of the range, and no other process can write to it. So whoever writes here has borrowed this buffer mutably.
        unsafe { std::slice::from_raw_parts(mapping.as_ptr().add(self.range.start), self.length) }
    }
}

impl DerefMut for SharedBuffer {
    #[allow(unsafe_code, reason = "a part of a mapping")]
    fn deref_mut(&mut self) -> &mut [u8] {
        let mapping = &self.memory.shared.mapping;
        // SAFETY: as above. Workers read a buffer only while an attempt borrows it.
        unsafe { std::slice::from_raw_parts_mut(mapping.as_mut_ptr().add(self.range.start), self.length) }
    }
}

impl Drop for SharedBuffer {
    fn drop(&mut self) {
        self.memory.free().give(self.range.clone());
    }
}

impl fmt::Debug for SharedMemory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SharedMemory({:?})", *self.free())
    }
}

impl fmt::Debug for SharedBuffer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { range, length, .. } = self;
        write!(formatter, "SharedBuffer({length} bytes in {range:?})")
    }
}

/// How many bytes a buffer of this size takes. There is no empty mapping, and no two buffers begin at one place.
fn in_units(bytes: usize) -> usize {
    bytes.max(1).div_ceil(UNIT).saturating_mul(UNIT)
}

#[cfg(test)]
mod tests;

//! The transcript on its way to a worker: a file in memory that the host alone can write.
//!
//! Host and worker map the same file on Linux, so a transcript is copied once, and its pages serve the next transcript too.
//! Seals keep its length, and keep everyone from writing through a later mapping. Elsewhere it is an unnamed temporary file
//! that the worker reads.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

#[cfg(target_os = "linux")]
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, memfd_create};

#[cfg(target_os = "linux")]
const SEALS: SealFlags = SealFlags::FUTURE_WRITE
    .union(SealFlags::SHRINK)
    .union(SealFlags::GROW)
    .union(SealFlags::SEAL);

/// The room of a buffer for transcripts that fit it, in bytes. Only what they fill takes memory. A buffer with more room is not
/// kept for the next transcript.
const ROOM: u64 = 32 << 20;

/// Makes a file in memory.
pub(super) fn memory_file(name: &str) -> io::Result<File> {
    #[cfg(target_os = "linux")]
    {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        Ok(File::from(memfd_create(name, flags)?))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = name;
        tempfile::tempfile()
    }
}

/// The host's side.
pub struct TranscriptBuffer {
    file: File,
    room: u64,
    #[cfg(target_os = "linux")]
    mapping: memmap2::MmapMut,
}

impl TranscriptBuffer {
    /// A buffer with room for so many bytes.
    ///
    /// # Errors
    /// When there is not enough memory.
    pub fn with_room_for(bytes: usize) -> io::Result<Self> {
        let room = (bytes as u64).max(ROOM).next_power_of_two();
        let file = memory_file("session-host-transcript")?;
        file.set_len(room)?;
        Ok(Self {
            #[cfg(target_os = "linux")]
            mapping: map_for_writing(&file)?,
            file,
            room,
        })
    }

    /// Whether this many bytes fit.
    #[must_use]
    pub fn has_room_for(&self, bytes: usize) -> bool {
        bytes as u64 <= self.room
    }

    /// Whether the buffer is small enough to be kept.
    #[must_use]
    pub fn is_worth_keeping(&self) -> bool {
        self.room <= ROOM
    }

    /// Puts a transcript into the buffer, which has room for it. No attempt may be in flight in the worker.
    ///
    /// # Errors
    /// When the system cannot write.
    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        self.mapping[..bytes.len()].copy_from_slice(bytes);
        #[cfg(not(target_os = "linux"))]
        std::os::unix::fs::FileExt::write_all_at(&self.file, bytes, 0)?;
        Ok(())
    }

    /// The file, to be passed on.
    #[must_use]
    pub fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "maps a file")]
fn map_for_writing(file: &File) -> io::Result<memmap2::MmapMut> {
    // SAFETY: nobody else has the file yet. The seals below keep its length, and let nobody else write to it.
    let mapping = unsafe { memmap2::MmapMut::map_mut(file) }?;
    fcntl_add_seals(file, SEALS)?;
    Ok(mapping)
}

/// The worker's side.
pub struct ReceivedTranscript {
    #[cfg(target_os = "linux")]
    mapping: memmap2::Mmap,
    #[cfg(not(target_os = "linux"))]
    file: File,
    #[cfg(not(target_os = "linux"))]
    bytes: Vec<u8>,
}

impl ReceivedTranscript {
    /// Takes the file that the host sent.
    ///
    /// # Errors
    /// When it is not sealed, or cannot be mapped.
    #[cfg(target_os = "linux")]
    #[allow(unsafe_code, reason = "maps a file")]
    pub fn of(file: OwnedFd) -> io::Result<Self> {
        let file = File::from(file);
        if !fcntl_get_seals(&file)?.contains(SEALS) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the transcript is not sealed",
            ));
        }
        // SAFETY: the seals keep the length of the file. The host alone can write to it, and does so only between attempts,
        // when no borrow of the bytes exists.
        let mapping = unsafe { memmap2::Mmap::map(&file) }?;
        Ok(Self { mapping })
    }

    /// Takes the file that the host sent.
    ///
    /// # Errors
    /// None.
    #[cfg(not(target_os = "linux"))]
    pub fn of(file: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            file: File::from(file),
            bytes: Vec::new(),
        })
    }

    /// The transcript of this attempt, which has so many bytes.
    ///
    /// # Errors
    /// When the file is shorter.
    pub fn bytes(&mut self, size: u64) -> io::Result<&[u8]> {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        #[cfg(target_os = "linux")]
        let bytes = self.mapping.get(..size);
        #[cfg(not(target_os = "linux"))]
        let bytes = {
            self.bytes.resize(size, 0);
            std::os::unix::fs::FileExt::read_exact_at(&self.file, &mut self.bytes, 0)?;
            Some(&self.bytes[..])
        };
        bytes.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the transcript is longer than its file"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worker_sees_each_transcript_and_can_change_none() {
        let mut buffer = TranscriptBuffer::with_room_for(9).unwrap();
        let file = File::from(buffer.file().try_clone_to_owned().unwrap());
        #[cfg(target_os = "linux")]
        assert!(std::io::Write::write_all(&mut &file, b"x").is_err());
        let mut received = ReceivedTranscript::of(file.into()).unwrap();
        for bytes in [&b"one line\n"[..], b"", b"another\n"] {
            buffer.put(bytes).unwrap();
            assert_eq!(received.bytes(bytes.len() as u64).unwrap(), bytes);
        }
        assert!(received.bytes(u64::MAX).is_err());
    }

    #[test]
    fn a_buffer_has_room_for_what_it_was_made_for() {
        let buffer = TranscriptBuffer::with_room_for(1).unwrap();
        assert!(buffer.has_room_for(32 << 20) && !buffer.has_room_for((32 << 20) + 1));
        assert!(buffer.is_worth_keeping());
        let large = TranscriptBuffer::with_room_for((32 << 20) + 1).unwrap();
        assert!(large.has_room_for(64 << 20) && !large.is_worth_keeping());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_may_still_change_is_not_mapped() {
        let file = memory_file("test").unwrap();
        file.set_len(5).unwrap();
        assert!(ReceivedTranscript::of(file.into()).is_err());
    }
}

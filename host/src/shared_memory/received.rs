//! The memory as a worker has it.

use std::{fs::File, io, os::fd::OwnedFd};

/// The memory that the host sent.
pub struct ReceivedMemory {
    #[cfg(target_os = "linux")]
    mapping: memmap2::Mmap,
    #[cfg(not(target_os = "linux"))]
    file: File,
    #[cfg(not(target_os = "linux"))]
    bytes: Vec<u8>,
}

impl ReceivedMemory {
    /// Takes the file that the host sent.
    ///
    /// # Errors
    /// When it is not sealed, or cannot be mapped.
    #[cfg(target_os = "linux")]
    #[allow(unsafe_code, reason = "maps a file")]
    pub fn of(file: OwnedFd) -> io::Result<Self> {
        let file = File::from(file);
        super::file::check_sealed(&file)?;
        // SAFETY: the seals keep the length of the file. The host alone can write to it, and does not write to the bytes of an
        // attempt, which are all that is borrowed.
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

    /// The bytes of an attempt.
    ///
    /// # Errors
    /// When the memory ends before them.
    pub fn bytes(&mut self, start: u64, size: u64) -> io::Result<&[u8]> {
        let (start, size) = (in_memory(start), in_memory(size));
        #[cfg(target_os = "linux")]
        let bytes = self.mapping.get(start..start.saturating_add(size));
        #[cfg(not(target_os = "linux"))]
        let bytes = {
            self.bytes.resize(size, 0);
            std::os::unix::fs::FileExt::read_exact_at(&self.file, &mut self.bytes, start as u64)?;
            Some(&self.bytes[..])
        };
        bytes.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the transcript is longer than its memory"))
    }
}

fn in_memory(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

//! The transcript on its way to a worker: a file in memory that nobody can change any more.
//!
//! On Linux the host seals the file, and the worker maps it. Elsewhere it is an unnamed temporary file that the worker reads.

use std::{
    fs::File,
    io::{self, Write as _},
    ops::Deref,
    os::fd::OwnedFd,
};

#[cfg(target_os = "linux")]
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, memfd_create};

#[cfg(target_os = "linux")]
const SEALS: SealFlags = SealFlags::WRITE
    .union(SealFlags::SHRINK)
    .union(SealFlags::GROW)
    .union(SealFlags::SEAL);

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

/// A file in memory with these bytes. Nobody can change it.
///
/// # Errors
/// When there is not enough memory.
pub fn sealed(bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = memory_file("session-host-transcript")?;
    file.write_all(bytes)?;
    #[cfg(target_os = "linux")]
    fcntl_add_seals(&file, SEALS)?;
    Ok(file.into())
}

/// The bytes of a transcript that the host sent.
pub enum MappedTranscript {
    /// An empty one.
    Empty,
    /// A mapping of the sealed file.
    #[cfg(target_os = "linux")]
    Mapped(memmap2::Mmap),
    /// A copy.
    #[cfg(not(target_os = "linux"))]
    Copied(Vec<u8>),
}

impl MappedTranscript {
    /// Takes the file that the host sent.
    ///
    /// # Errors
    /// When it is not sealed, or cannot be mapped.
    #[cfg(target_os = "linux")]
    #[allow(unsafe_code, reason = "maps a file")]
    pub fn of(file: OwnedFd, size: u64) -> io::Result<Self> {
        let file = File::from(file);
        if !fcntl_get_seals(&file)?.contains(SEALS) || file.metadata()?.len() != size {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the transcript is not sealed",
            ));
        }
        if size == 0 {
            return Ok(Self::Empty);
        }
        // SAFETY: the seals keep every process from writing to the file or shortening it.
        Ok(Self::Mapped(unsafe { memmap2::Mmap::map(&file) }?))
    }

    /// Takes the file that the host sent.
    ///
    /// # Errors
    /// When it cannot be read.
    #[cfg(not(target_os = "linux"))]
    pub fn of(file: OwnedFd, size: u64) -> io::Result<Self> {
        use std::os::unix::fs::FileExt as _;
        let mut bytes = vec![0; size as usize];
        File::from(file).read_exact_at(&mut bytes, 0)?;
        Ok(Self::Copied(bytes))
    }
}

impl Deref for MappedTranscript {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Empty => &[],
            #[cfg(target_os = "linux")]
            Self::Mapped(mapping) => mapping,
            #[cfg(not(target_os = "linux"))]
            Self::Copied(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worker_sees_what_the_host_sealed_and_can_change_none_of_it() {
        for bytes in [&b""[..], b"one line\n"] {
            let file = File::from(sealed(bytes).unwrap());
            #[cfg(target_os = "linux")]
            assert!((&file).write_all(b"x").is_err());
            assert_eq!(&*MappedTranscript::of(file.into(), bytes.len() as u64).unwrap(), bytes);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_may_still_change_is_not_mapped() {
        let mut file = memory_file("test").unwrap();
        file.write_all(b"bytes").unwrap();
        assert!(MappedTranscript::of(file.into(), 5).is_err());
    }
}

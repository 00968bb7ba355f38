//! Files in memory.

use std::{fs::File, io};

use memmap2::MmapRaw;
#[cfg(target_os = "linux")]
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, memfd_create};

#[cfg(target_os = "linux")]
const SEALS: SealFlags = SealFlags::FUTURE_WRITE
    .union(SealFlags::SHRINK)
    .union(SealFlags::GROW)
    .union(SealFlags::SEAL);

/// Makes a file in memory.
///
/// # Errors
/// When the system cannot.
pub fn memory_file(name: &str) -> io::Result<File> {
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

/// Makes a file of so many zeros, and memory for what it is to hold. On Linux that is the file itself, which nobody else can
/// write any more.
pub(super) fn mapped(bytes: usize) -> io::Result<(File, MmapRaw)> {
    let file = memory_file("session-host-transcripts")?;
    file.set_len(bytes as u64)?;
    #[cfg(target_os = "linux")]
    let mapping = {
        let mapping = MmapRaw::map_raw(&file)?;
        fcntl_add_seals(&file, SEALS)?;
        mapping
    };
    #[cfg(not(target_os = "linux"))]
    let mapping = memmap2::MmapMut::map_anon(bytes)?.into();
    Ok((file, mapping))
}

/// Checks that the host alone can write a file, and that it keeps its length.
#[cfg(target_os = "linux")]
pub(super) fn check_sealed(file: &File) -> io::Result<()> {
    match fcntl_get_seals(file)?.contains(SEALS) {
        true => Ok(()),
        false => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the memory with the transcripts is not sealed",
        )),
    }
}

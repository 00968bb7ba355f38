//! The file in memory through which a worker passes rows to the host.
//!
//! Host and worker share the file, and each reads and writes it by system calls. The host copies rows out before it checks
//! them, so a worker cannot change them in between.

use std::{
    fs::File,
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::fs::FileExt,
    },
};

use super::transcript::memory_file;

/// The buffer for rows.
pub struct RowsBuffer {
    file: File,
}

impl RowsBuffer {
    /// Makes an empty buffer.
    ///
    /// # Errors
    /// When the system cannot.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            file: memory_file("session-host-rows")?,
        })
    }

    /// The buffer that the host made.
    #[must_use]
    pub fn of_host(file: OwnedFd) -> Self {
        Self { file: file.into() }
    }

    /// The file, to be passed on.
    #[must_use]
    pub fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Writes rows, over those before.
    ///
    /// # Errors
    /// When the system cannot.
    pub fn write(&self, rows: &[u8]) -> io::Result<()> {
        self.file.write_all_at(rows, 0)
    }

    /// Copies rows out.
    ///
    /// # Errors
    /// When the buffer holds fewer bytes.
    pub fn read(&self, length: u64) -> io::Result<Vec<u8>> {
        let held = self.file.metadata()?.len();
        if length > held {
            let text = format!("the worker announced {length} bytes of rows and wrote {held}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let mut rows = vec![0; length as usize];
        self.file.read_exact_at(&mut rows, 0)?;
        Ok(rows)
    }

    /// Gives the memory of large rows back.
    ///
    /// # Errors
    /// When the system cannot.
    pub fn shrink(&self) -> io::Result<()> {
        match self.file.metadata()?.len() {
            ..=KEPT => Ok(()),
            _ => self.file.set_len(0),
        }
    }
}

/// How large a buffer may stay, in bytes.
const KEPT: u64 = 16 << 20;

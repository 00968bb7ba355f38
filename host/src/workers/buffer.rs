//! The file in memory through which a worker passes rows to the host, and the rows that wait for that.
//!
//! It begins with the number of the attempt that the worker has begun, so that an attempt which a worker never began is told
//! from one that ended it.
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

use super::{link::LARGEST, protocol::WireRows};
use crate::shared_memory::memory_file;

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
        let file = memory_file("session-host-rows")?;
        file.set_len(ROWS_BEGIN)?;
        Ok(Self { file })
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

    /// Notes that the worker begins its attempt of this number.
    ///
    /// # Errors
    /// When the system cannot write.
    pub fn note_begin(&self, attempt: u64) -> io::Result<()> {
        self.file.write_all_at(&attempt.to_le_bytes(), 0)
    }

    /// The number of the last attempt that the worker began; 0 if it began none.
    ///
    /// # Errors
    /// When the worker cut the buffer off.
    pub fn begun(&self) -> io::Result<u64> {
        let mut number = [0; ROWS_BEGIN as usize];
        self.file.read_exact_at(&mut number, 0)?;
        Ok(u64::from_le_bytes(number))
    }

    /// Writes rows, over those before.
    fn write(&self, rows: &[u8]) -> io::Result<()> {
        self.file.write_all_at(rows, ROWS_BEGIN)
    }

    /// Copies rows out, over those that were read before. `memory` grows to the most that it ever had to hold.
    ///
    /// # Errors
    /// When the buffer holds fewer bytes, or there are more than the host takes at a time.
    pub fn read<'a>(&self, length: u64, memory: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
        let held = self.file.metadata()?.len().saturating_sub(ROWS_BEGIN);
        let refuse = |text: String| Err(io::Error::new(io::ErrorKind::InvalidData, text));
        if length > held {
            return refuse(format!("the worker announced {length} bytes of rows and wrote {held}"));
        }
        if length > LARGEST as u64 {
            return refuse(format!(
                "the worker passed {length} bytes of rows, more than {LARGEST} at a time"
            ));
        }
        let length = length as usize;
        if memory.len() < length {
            memory.resize(length, 0);
        }
        let rows = &mut memory[..length];
        self.file.read_exact_at(rows, ROWS_BEGIN)?;
        Ok(rows)
    }

    /// Gives the memory of large rows back.
    ///
    /// # Errors
    /// When the system cannot.
    pub fn shrink(&self) -> io::Result<()> {
        match self.file.metadata()?.len() {
            ..=KEPT => Ok(()),
            _ => self.file.set_len(ROWS_BEGIN),
        }
    }
}

/// Where the rows begin, in bytes. The number of an attempt stands before them.
const ROWS_BEGIN: u64 = 8;

/// How large a buffer may stay, in bytes.
const KEPT: u64 = 16 << 20;

/// Rows of a worker that wait until they are passed to the host together.
pub struct WaitingRows {
    buffer: RowsBuffer,
    encoded: Vec<u8>,
}

impl WaitingRows {
    /// None yet; they will pass through this buffer.
    #[must_use]
    pub fn new(buffer: RowsBuffer) -> Self {
        Self {
            buffer,
            encoded: Vec::new(),
        }
    }

    /// Adds rows.
    ///
    /// # Errors
    /// When they cannot be encoded. Then those before are lost too, and the attempt must fail.
    pub fn add(&mut self, rows: &WireRows<'_>) -> Result<(), postcard::Error> {
        self.encoded = postcard::to_extend(rows, std::mem::take(&mut self.encoded))?;
        Ok(())
    }

    /// Notes that the worker begins its attempt of this number.
    ///
    /// # Errors
    /// When the system cannot write.
    pub fn note_begin(&self, attempt: u64) -> io::Result<()> {
        self.buffer.note_begin(attempt)
    }

    /// Whether there are so many that they must be passed on now.
    #[must_use]
    pub fn are_many(&self) -> bool {
        self.encoded.len() > MANY
    }

    /// Writes them to the buffer, and returns their length in bytes; `None` if there are none. The host must have read those
    /// that were there before.
    ///
    /// # Errors
    /// When the system cannot write. Then they are lost, and the attempt must fail.
    pub fn pass(&mut self) -> io::Result<Option<u64>> {
        let mut encoded = std::mem::take(&mut self.encoded);
        if encoded.is_empty() {
            return Ok(None);
        }
        let length = encoded.len() as u64;
        self.buffer.write(&encoded)?;
        encoded.clear();
        if encoded.capacity() <= 2 * MANY {
            self.encoded = encoded;
        }
        Ok(Some(length))
    }
}

/// How many bytes of rows may wait.
const MANY: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_copied_out() {
        let buffer = RowsBuffer::new().unwrap();
        buffer.write(b"rows").unwrap();
        let mut memory = b"earlier rows".to_vec();
        assert_eq!(buffer.read(4, &mut memory).unwrap(), b"rows");
    }

    #[test]
    fn neither_rows_nor_their_end_touch_the_number_of_the_attempt() {
        let buffer = RowsBuffer::new().unwrap();
        assert_eq!(buffer.begun().unwrap(), 0);
        buffer.note_begin(3).unwrap();
        buffer.write(&vec![7; KEPT as usize]).unwrap();
        buffer.shrink().unwrap();
        assert_eq!(buffer.begun().unwrap(), 3);
        assert!(buffer.read(1, &mut Vec::new()).is_err());
    }

    #[test]
    fn no_announced_length_makes_the_host_take_memory_that_it_may_not_have() {
        let buffer = RowsBuffer::new().unwrap();
        assert!(buffer.read(1, &mut Vec::new()).is_err());
        buffer.file.set_len(ROWS_BEGIN + (1 << 40)).unwrap();
        let refused = buffer.read(1 << 40, &mut Vec::new()).unwrap_err().to_string();
        assert!(refused.contains("more than"), "{refused}");
    }
}

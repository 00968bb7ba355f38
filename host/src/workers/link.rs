//! The socket between host and worker: frames of messages, and files beside them.
//!
//! # Threads
//! One thread receives. Sending is a half of its own, because the threads of a plugin log while its main thread works.

use std::{
    collections::VecDeque,
    io::{self, IoSlice, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    ops::Range,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
    time::{Duration, Instant},
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};

/// Why nothing was received.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The other side has closed the link.
    #[error("the other side has closed the link")]
    Closed,
    /// The other side did not answer before the deadline.
    #[error("no answer before the deadline")]
    TimedOut,
    /// The system fails.
    #[error("cannot use the link between host and worker: {0}")]
    Io(io::Error),
    /// A message makes no sense.
    #[error("the message from the other side is malformed: {0}")]
    Malformed(postcard::Error),
    /// A message is too long to be sent, or announces that it is.
    #[error("a message of {0} bytes is too long for the link between host and worker")]
    TooLong(usize),
}

impl From<io::Error> for LinkError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Self::Closed,
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Io(error),
        }
    }
}

/// One end of the link.
pub struct Link {
    /// Receives.
    pub incoming: Incoming,
    /// Sends.
    pub outgoing: Outgoing,
}

/// The receiving half.
pub struct Incoming {
    stream: UnixStream,
    /// What has arrived and is not received yet.
    ahead: Ahead,
    spare: Vec<u8>,
    deadline: Option<Instant>,
    other_side: OtherSide,
}

/// The process on the other side. It may have ended although the link is not closed: others may have the socket open.
#[derive(Default)]
struct OtherSide {
    /// Tells whether it has ended; `None` if nobody knows.
    has_ended: Option<Box<dyn Fn() -> bool + Send>>,
    /// Whether it had ended at the last look.
    had_ended: bool,
}

/// What has arrived together with earlier messages.
struct Ahead {
    bytes: Box<[u8; AHEAD]>,
    /// Where the bytes are that are not received yet.
    left: Range<usize>,
    /// The files that arrived beside them. Nobody needs more than [`FILES`]; the system closes others.
    files: VecDeque<OwnedFd>,
}

/// The sending half.
pub struct Outgoing {
    stream: UnixStream,
    /// The messages that are not sent yet.
    frames: Vec<u8>,
}

/// A received message, still encoded.
pub struct Frame(Vec<u8>);

impl Link {
    /// Uses a connected socket.
    ///
    /// # Errors
    /// When the system cannot duplicate it.
    pub fn new(stream: UnixStream) -> io::Result<Self> {
        Ok(Self {
            outgoing: Outgoing {
                stream: stream.try_clone()?,
                frames: Vec::new(),
            },
            incoming: Incoming {
                stream,
                ahead: Ahead {
                    bytes: Box::new([0; AHEAD]),
                    left: 0..0,
                    files: VecDeque::new(),
                },
                spare: Vec::new(),
                deadline: None,
                other_side: OtherSide::default(),
            },
        })
    }

    /// Receives fail once this tells that the other side has ended, even if the link is not closed.
    ///
    /// # Errors
    /// When the system cannot set a time-out.
    pub fn until(mut self, has_ended: impl Fn() -> bool + Send + 'static) -> io::Result<Self> {
        self.incoming.other_side.has_ended = Some(Box::new(has_ended));
        self.incoming.wait_as_long_as_it_takes()?;
        Ok(self)
    }
}

impl OtherSide {
    /// How long a receive may take until the next look.
    fn look_after(&self) -> Option<Duration> {
        self.has_ended.as_ref().map(|_| LOOK_AFTER)
    }

    /// Whether nothing can arrive any more. By the second check, everything sent before the end has arrived.
    fn is_over(&mut self) -> bool {
        let had_ended = self.had_ended;
        self.had_ended = self.has_ended.as_ref().is_some_and(|has_ended| has_ended());
        had_ended && self.had_ended
    }
}

impl Frame {
    /// Decodes the message.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn message<'a, M: Deserialize<'a>>(&'a self) -> Result<M, LinkError> {
        postcard::from_bytes(&self.0).map_err(LinkError::Malformed)
    }
}

impl Incoming {
    /// Receives fail after this moment; `None` for never.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        match (std::mem::replace(&mut self.deadline, deadline), deadline) {
            (Some(_), None) => self.wait_as_long_as_it_takes(),
            // Each read sets what remains until a deadline.
            _ => Ok(()),
        }
    }

    fn wait_as_long_as_it_takes(&self) -> io::Result<()> {
        self.stream.set_read_timeout(self.other_side.look_after())
    }

    /// Waits for the next message.
    ///
    /// # Errors
    /// When the link is closed, or the deadline has passed.
    pub fn receive(&mut self) -> Result<Frame, LinkError> {
        let mut length = [0; 4];
        self.fill(&mut length)?;
        let length = u32::from_le_bytes(length) as usize;
        if length > LARGEST {
            return Err(LinkError::TooLong(length));
        }
        let mut frame = std::mem::take(&mut self.spare);
        frame.clear();
        // The length is not believed: memory grows with what arrives.
        while frame.len() < length {
            let filled = frame.len();
            frame.resize(length.min(filled + STEP), 0);
            self.fill(&mut frame[filled..])?;
        }
        Ok(Frame(frame))
    }

    /// Takes back the memory of a message.
    pub fn recycle(&mut self, frame: Frame) {
        if frame.0.capacity() <= KEPT {
            self.spare = frame.0;
        }
    }

    /// Waits for a file.
    ///
    /// # Errors
    /// When the link is closed, or something else arrives.
    pub fn receive_file(&mut self) -> Result<OwnedFd, LinkError> {
        self.fill(&mut [0])?;
        let no_file = || io::Error::new(io::ErrorKind::InvalidData, "the other side sent no file");
        Ok(self.ahead.files.pop_front().ok_or_else(no_file)?)
    }

    fn fill(&mut self, mut buffer: &mut [u8]) -> Result<(), LinkError> {
        loop {
            buffer = self.ahead.take(buffer);
            if buffer.is_empty() {
                return Ok(());
            }
            self.allow_remaining()?;
            let count = match buffer.len() {
                ..AHEAD => self.ahead.read_from(&self.stream),
                _ => (&self.stream).read(buffer),
            };
            match count {
                Ok(0) => return Err(LinkError::Closed),
                Ok(count) if buffer.len() >= AHEAD => buffer = &mut buffer[count..],
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.look()?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Looks why nothing arrives.
    fn look(&mut self) -> Result<(), LinkError> {
        match self.other_side.is_over() {
            true => Err(LinkError::Closed),
            false => Ok(()),
        }
    }

    /// Lets the next read take what remains until the deadline.
    fn allow_remaining(&mut self) -> Result<(), LinkError> {
        let Some(deadline) = self.deadline else { return Ok(()) };
        match deadline.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(LinkError::TimedOut),
            remaining => {
                let look_after = self.other_side.look_after().unwrap_or(remaining);
                Ok(self.stream.set_read_timeout(Some(remaining.min(look_after)))?)
            }
        }
    }
}

impl Ahead {
    /// Moves what has arrived to the buffer. Returns the rest of that.
    fn take<'a>(&mut self, buffer: &'a mut [u8]) -> &'a mut [u8] {
        let arrived = &self.bytes[self.left.clone()];
        let (filled, rest) = buffer.split_at_mut(arrived.len().min(buffer.len()));
        filled.copy_from_slice(&arrived[..filled.len()]);
        self.left.start += filled.len();
        rest
    }

    /// Reads what has arrived, once everything that arrived earlier is received. Waits if there is nothing.
    fn read_from(&mut self, stream: &UnixStream) -> io::Result<usize> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut beside = RecvAncillaryBuffer::new(&mut space);
        let mut bytes = [IoSliceMut::new(&mut *self.bytes)];
        let count = recvmsg(stream, &mut bytes, &mut beside, RecvFlags::CMSG_CLOEXEC)?.bytes;
        self.left = 0..count;
        for message in beside.drain() {
            if let RecvAncillaryMessage::ScmRights(files) = message {
                let room = FILES.saturating_sub(self.files.len());
                self.files.extend(files.take(room));
            }
        }
        Ok(count)
    }
}

impl Outgoing {
    /// Sends a message, after those that wait for it.
    ///
    /// # Errors
    /// When the link is closed, or the message is too long.
    pub fn send(&mut self, message: &impl Serialize) -> Result<(), LinkError> {
        self.put_off(message)?;
        let mut frames = std::mem::take(&mut self.frames);
        self.stream.write_all(&frames)?;
        frames.clear();
        if frames.capacity() <= KEPT {
            self.frames = frames;
        }
        Ok(())
    }

    /// Lets a message wait for the next one, so that both wake the other side once.
    ///
    /// # Errors
    /// When the message is too long.
    pub fn put_off(&mut self, message: &impl Serialize) -> Result<(), LinkError> {
        let start = self.frames.len();
        let mut frames = std::mem::take(&mut self.frames);
        frames.extend([0; 4]);
        let mut frames = postcard::to_extend(message, frames).map_err(LinkError::Malformed)?;
        let length = frames.len() - start - 4;
        match u32::try_from(length).ok().filter(|_| length <= LARGEST) {
            Some(prefix) => frames[start..start + 4].copy_from_slice(&prefix.to_le_bytes()),
            None => frames.truncate(start),
        }
        self.frames = frames;
        match self.frames.len() > start {
            true => Ok(()),
            false => Err(LinkError::TooLong(length)),
        }
    }

    /// Sends an open file.
    ///
    /// # Errors
    /// When the link is closed.
    pub fn send_file(&mut self, file: BorrowedFd<'_>) -> Result<(), LinkError> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut beside = SendAncillaryBuffer::new(&mut space);
        let files = [file];
        beside.push(SendAncillaryMessage::ScmRights(&files));
        let flags = SendFlags::NOSIGNAL;
        sendmsg(self.stream.as_fd(), &[IoSlice::new(&[0])], &mut beside, flags).map_err(io::Error::from)?;
        Ok(())
    }
}

/// After how long without a message the other side is looked at.
const LOOK_AFTER: Duration = Duration::from_millis(200);

/// How many bytes are read at once at least, and how long a message is that is read on its own, in bytes.
const AHEAD: usize = 8 << 10;

/// How many files may wait: as many as the host ever sends with one message.
const FILES: usize = 2;

/// The longest message, and the most rows that are passed at a time, in bytes. Text in place of a length announces more.
pub(super) const LARGEST: usize = 3 << 29;

/// How much memory a receive takes at a time, in bytes.
const STEP: usize = 1 << 20;

/// A buffer that had to grow beyond this is not kept for the next message, in bytes.
const KEPT: usize = 4 << 20;

#[cfg(test)]
mod tests;

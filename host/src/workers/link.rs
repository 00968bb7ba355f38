//! The socket between host and worker: frames of messages, and files beside them.
//!
//! # Threads
//! One thread receives. Sending is a half of its own, because the threads of a plugin log while its main thread works.

use std::{
    io::{self, IoSlice, IoSliceMut, Read, Write},
    mem::MaybeUninit,
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
        self.allow_remaining()?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut beside = RecvAncillaryBuffer::new(&mut space);
        let mut byte = [0];
        let flags = RecvFlags::CMSG_CLOEXEC;
        let received = recvmsg(&self.stream, &mut [IoSliceMut::new(&mut byte)], &mut beside, flags);
        if received.map_err(io::Error::from)?.bytes == 0 {
            return Err(LinkError::Closed);
        }
        let files = beside.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(files) => Some(files),
            _ => None,
        });
        let no_file = || io::Error::new(io::ErrorKind::InvalidData, "the other side sent no file");
        Ok(files.flatten().next().ok_or_else(no_file)?)
    }

    fn fill(&mut self, mut buffer: &mut [u8]) -> Result<(), LinkError> {
        while !buffer.is_empty() {
            self.allow_remaining()?;
            match self.stream.read(buffer) {
                Ok(0) => return Err(LinkError::Closed),
                Ok(count) => buffer = &mut buffer[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.look()?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
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

/// The longest message, and the most rows that are passed at a time, in bytes. Text in place of a length announces more.
pub(super) const LARGEST: usize = 3 << 29;

/// How much memory a receive takes at a time, in bytes.
const STEP: usize = 1 << 20;

/// A buffer that had to grow beyond this is not kept for the next message, in bytes.
const KEPT: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn links() -> (Link, Link) {
        let (one, other) = UnixStream::pair().unwrap();
        (Link::new(one).unwrap(), Link::new(other).unwrap())
    }

    #[test]
    fn a_message_arrives_as_it_was_sent() {
        let (mut here, mut there) = links();
        here.outgoing.send(&"text").unwrap();
        assert_eq!(there.incoming.receive().unwrap().message::<&str>().unwrap(), "text");
    }

    #[test]
    fn a_message_that_was_put_off_arrives_before_the_next() {
        let (mut here, mut there) = links();
        here.outgoing.put_off(&1).unwrap();
        here.outgoing.send(&2).unwrap();
        for number in [1, 2] {
            assert_eq!(there.incoming.receive().unwrap().message::<i32>().unwrap(), number);
        }
    }

    #[test]
    fn a_message_that_announces_too_much_is_refused() {
        let (mut here, mut there) = links();
        here.outgoing.stream.write_all(b"xxxxxxxx").unwrap();
        assert!(matches!(there.incoming.receive(), Err(LinkError::TooLong(_))));
    }

    #[test]
    fn one_that_ended_is_noticed_while_others_keep_the_link_open() {
        let (here, _there) = links();
        let mut here = here.until(|| true).unwrap();
        assert!(matches!(here.incoming.receive(), Err(LinkError::Closed)));
    }

    #[test]
    fn what_was_sent_before_the_end_arrives() {
        let (here, mut there) = links();
        let mut here = here.until(|| true).unwrap();
        there.outgoing.send(&"last words").unwrap();
        assert_eq!(
            here.incoming.receive().unwrap().message::<&str>().unwrap(),
            "last words"
        );
    }

    #[test]
    fn a_deadline_ends_the_wait() {
        let (here, _there) = links();
        let mut here = here.until(|| false).unwrap();
        let soon = Instant::now() + Duration::from_millis(1);
        here.incoming.set_deadline(Some(soon)).unwrap();
        assert!(matches!(here.incoming.receive(), Err(LinkError::TimedOut)));
    }
}

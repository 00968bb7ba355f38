//! One connection through the proxy, and the two ways of its bytes.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    Network,
    answers::{Answers, Kind},
};

/// A client's connection and the one to the server that belongs to it.
#[derive(Debug)]
pub(super) struct Connection {
    client: TcpStream,
    server: TcpStream,
    was_cut: AtomicBool,
    /// What the client has sent in the present transaction, while the proxy waits for a text.
    sent: Mutex<Vec<u8>>,
}

impl Connection {
    pub(super) fn new(client: TcpStream, server: TcpStream) -> Self {
        Self {
            client,
            server,
            was_cut: AtomicBool::new(false),
            sent: Mutex::default(),
        }
    }

    /// Ends it on both sides.
    pub(super) fn cut(&self) {
        self.was_cut.store(true, Ordering::Release);
        // A side that has ended already is as good.
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }

    pub(super) fn was_cut(&self) -> bool {
        self.was_cut.load(Ordering::Acquire)
    }

    /// Passes on what the client sends, until one side ends.
    pub(super) fn copy_requests(&self, network: &Network) {
        // An error ends this way as an end does.
        let _ = read_all(&self.client, |bytes| {
            if network.waits_for_text() {
                let mut sent = self.sent();
                let known = sent.len();
                sent.extend_from_slice(bytes);
                if network.heed(&sent, known) {
                    drop(sent);
                    // The client learns that its connection has ended, and the server does not.
                    let _ = self.client.shutdown(Shutdown::Both);
                    network.wait_to_deliver(self);
                }
            }
            network.wait_to_pass(self);
            (&self.server).write_all(bytes)
        });
        network.wait_to_pass(self);
        let _ = self.server.shutdown(Shutdown::Write);
    }

    /// Passes on what the server answers, until one side ends or an answer is swallowed.
    pub(super) fn copy_answers(&self, network: &Network) {
        let mut answers = Answers::default();
        let _ = read_all(&self.server, |bytes| {
            answers.extend(bytes);
            let mut passed = Vec::new();
            while let Some(answer) = answers.next() {
                if answer.kind == Kind::Committed && network.swallows_answer_after(&self.sent()) {
                    self.cut();
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
                if answer.kind == Kind::Idle {
                    self.sent().clear();
                }
                passed.extend(answer.bytes);
            }
            network.wait_to_pass(self);
            (&self.client).write_all(&passed)
        });
        network.wait_to_pass(self);
        let _ = self.client.shutdown(Shutdown::Write);
    }

    fn sent(&self) -> MutexGuard<'_, Vec<u8>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads until the end, and hands on what has come each time.
fn read_all(mut from: &TcpStream, mut hand_on: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut bytes = [0; 1 << 16];
    loop {
        match from.read(&mut bytes)? {
            0 => return Ok(()),
            count => hand_on(&bytes[..count])?,
        }
    }
}

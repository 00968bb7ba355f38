//! The messages of a PostgreSQL server: where each ends, and which of them end a transaction.

/// What a piece of the server's answers is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The transaction was committed.
    Committed,
    /// The server waits for a request, and no transaction is open.
    Idle,
    /// Anything else.
    Other,
}

/// A whole message, or bytes that are to be passed on as they are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) kind: Kind,
    pub(super) bytes: Vec<u8>,
}

/// Divides what a server sends into messages.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// What has come of the next message.
    begun: Vec<u8>,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, Default)]
enum Phase {
    /// The server answers requests for encryption, with one byte each.
    #[default]
    Greeting,
    /// It sends messages: a byte for the type, and a length that counts itself.
    Messages,
    /// It sends what nobody but the client can read.
    Encrypted,
}

impl Answers {
    /// Takes further bytes.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.begun.extend_from_slice(bytes);
    }

    /// The next message that has come whole.
    pub(super) fn next(&mut self) -> Option<Answer> {
        let first = *self.begun.first()?;
        let length = match (self.phase, first) {
            (Phase::Greeting, b'N') => 1,
            (Phase::Greeting, b'S' | b'G') => {
                self.phase = Phase::Encrypted;
                1
            }
            (Phase::Encrypted, _) => self.begun.len(),
            (Phase::Greeting | Phase::Messages, _) => {
                self.phase = Phase::Messages;
                let told = self.begun.get(1..)?.first_chunk()?;
                usize::try_from(u32::from_be_bytes(*told)).ok()?.saturating_add(1)
            }
        };
        if self.begun.len() < length {
            return None;
        }
        let rest = self.begun.split_off(length);
        let bytes = std::mem::replace(&mut self.begun, rest);
        let kind = match bytes.split_at_checked(5) {
            Some(([b'C', ..], b"COMMIT\0")) => Kind::Committed,
            Some(([b'Z', ..], b"I")) => Kind::Idle,
            _ => Kind::Other,
        };
        Some(Answer { kind, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[kind], length.to_be_bytes().as_slice(), body].concat()
    }

    /// What comes out if the bytes come in pieces of this size.
    fn divided(bytes: &[u8], size: usize) -> Vec<Answer> {
        let mut answers = Answers::default();
        let mut found = Vec::new();
        for piece in bytes.chunks(size) {
            answers.extend(piece);
            found.extend(std::iter::from_fn(|| answers.next()));
        }
        found
    }

    #[test]
    fn messages_are_found_however_the_bytes_come() {
        let notice = message(b'N', b"a notice, which begins as a refusal does");
        let parts = [
            (Kind::Other, b"N".to_vec()),
            (Kind::Other, message(b'R', &[0; 4])),
            (Kind::Other, notice),
            (Kind::Other, message(b'C', b"INSERT 0 1\0")),
            (Kind::Other, message(b'D', b"COMMIT\0")),
            (Kind::Committed, message(b'C', b"COMMIT\0")),
            (Kind::Idle, message(b'Z', b"I")),
            (Kind::Other, message(b'Z', b"T")),
        ];
        let expected: Vec<_> = parts.map(|(kind, bytes)| Answer { kind, bytes }).into();
        let sent: Vec<u8> = expected.iter().flat_map(|answer| answer.bytes.clone()).collect();
        for size in 1..=sent.len() {
            assert_eq!(divided(&sent, size), expected, "pieces of {size}");
        }
    }

    #[test]
    fn what_is_encrypted_is_passed_on_at_once() {
        let sent = [b"NS".as_slice(), &message(b'C', b"COMMIT\0")[..8]].concat();
        let passed: Vec<u8> = divided(&sent, 3)
            .into_iter()
            .flat_map(|answer| {
                assert_eq!(answer.kind, Kind::Other);
                answer.bytes
            })
            .collect();
        assert_eq!(passed, sent);
    }
}

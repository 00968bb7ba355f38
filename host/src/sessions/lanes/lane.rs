//! One chain: the text that is left, and the state so far.

use super::{BLOCK, Blocks, Digest, State};

/// The state at the beginning, of RFC 1321.
const BEGINNING: State = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// The bytes behind the padding: the length of the text in bits.
const LENGTH: usize = size_of::<u64>();

/// The chain of one text.
pub(super) struct Lane<'a> {
    text: usize,
    state: State,
    /// The blocks of the text that are left.
    whole: Blocks<'a>,
    end: End,
}

/// The blocks behind the last whole one: the bytes that are left, the padding, and the length.
struct End {
    blocks: [[u8; BLOCK]; 2],
    /// The first block that is left.
    next: usize,
}

impl<'a> Lane<'a> {
    /// Begins the chain of a text, which has this number.
    pub(super) fn new(text: usize, bytes: &'a [u8]) -> Self {
        let (whole, rest) = bytes.as_chunks();
        Self {
            text,
            state: BEGINNING,
            whole,
            end: End::new(rest, bytes.len() as u64),
        }
    }

    /// The number of the text.
    pub(super) fn text(&self) -> usize {
        self.text
    }

    /// The blocks that come next; none if the chain has ended.
    pub(super) fn next(&self) -> Blocks<'_> {
        match self.whole {
            [] => &self.end.blocks[self.end.next..],
            whole => whole,
        }
    }

    /// The state so far.
    pub(super) fn state(&self) -> State {
        self.state
    }

    /// Takes the state after so many of the next blocks.
    pub(super) fn advance(&mut self, count: usize, state: State) {
        self.state = state;
        match self.whole {
            [] => self.end.next += count,
            whole => self.whole = &whole[count..],
        }
    }

    /// The MD5, if the chain has ended.
    pub(super) fn digest(&self) -> Option<Digest> {
        let mut digest = Digest::default();
        for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(self.state) {
            *bytes = word.to_le_bytes();
        }
        self.next().is_empty().then_some(digest)
    }
}

impl End {
    fn new(rest: &[u8], length: u64) -> Self {
        let mut blocks = [[0; BLOCK]; 2];
        let next = usize::from(rest.len() < BLOCK - LENGTH);
        let end = blocks[next..].as_flattened_mut();
        end[..rest.len()].copy_from_slice(rest);
        end[rest.len()] = 0x80;
        let at = end.len() - LENGTH;
        end[at..].copy_from_slice(&length.wrapping_mul(8).to_le_bytes());
        Self { blocks, next }
    }
}

//! The MD5 of several transcripts at once.
//!
//! MD5 is a chain: each step needs the result of the step before, so one chain leaves most of a core idle. A vector
//! register holds the same word of several chains. Each chain is a *lane*, and one instruction makes a step in all lanes.
//! A lane is slower than one chain alone, so the last transcript is hashed alone.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod lane;
#[cfg(target_arch = "x86_64")]
mod rounds;
#[cfg(test)]
mod tests;
mod width;

use std::{cmp::Reverse, sync::LazyLock};

use lane::Lane;
use width::Width;

/// An MD5.
pub(super) type Digest = [u8; 16];

/// The size of a block.
const BLOCK: usize = 64;

/// Whole blocks of one lane.
type Blocks<'a> = &'a [[u8; BLOCK]];

/// The state of one chain.
type State = [u32; 4];

/// The state of each lane, word by word.
#[cfg(target_arch = "x86_64")]
type States<const LANES: usize> = [[u32; LANES]; 4];

/// The MD5 of each of these texts, in the same order.
pub(super) fn digests(texts: &[&[u8]]) -> Vec<Digest> {
    static WIDEST: LazyLock<Width> = LazyLock::new(|| Width::of_this_cpu()[0]);
    digests_in(*WIDEST, texts)
}

/// Each lane that has ended takes the next text. The longest text comes first, so that the lanes end at about the same time.
fn digests_in(width: Width, texts: &[&[u8]]) -> Vec<Digest> {
    let mut digests = vec![Digest::default(); texts.len()];
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|&text| Reverse(texts[text].len()));
    let mut waiting = order.into_iter().map(|text| Lane::new(text, texts[text]));
    let mut lanes: Vec<Lane<'_>> = waiting.by_ref().take(width.lanes()).collect();
    while !lanes.is_empty() {
        width.advance(&mut lanes);
        lanes.retain(|lane| match lane.digest() {
            Some(digest) => {
                digests[lane.text()] = digest;
                false
            }
            None => true,
        });
        lanes.extend(waiting.by_ref().take(width.lanes() - lanes.len()));
    }
    digests
}

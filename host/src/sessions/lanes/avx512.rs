//! Sixteen lanes, for CPUs with AVX-512.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_rol_epi32, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_shuffle_i32x4,
    _mm512_ternarylogic_epi32, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32,
    _mm512_unpacklo_epi64,
};

use zerocopy::transmute;

use super::{Blocks, States, rounds::compress};

/// How many lanes there are.
pub(super) const LANES: usize = 16;

/// A word of every lane.
type Words = __m512i;

/// Adds the same number of blocks to each state.
#[target_feature(enable = "avx512f")]
pub(super) fn add_blocks(states: &mut States<LANES>, blocks: [Blocks<'_>; LANES], count: usize) {
    let mut state: [Words; 4] = transmute!(*states);
    for at in 0..count {
        // A closure might not be compiled for these vectors.
        let mut block = [_mm512_setzero_si512(); LANES];
        for (lane, blocks) in block.iter_mut().zip(&blocks) {
            *lane = transmute!(blocks[at]);
        }
        let block = transposed(block);
        state = compress!(state, block);
    }
    *states = transmute!(state);
}

/// Turns the block of each lane into the words of all lanes.
#[target_feature(enable = "avx512f")]
fn transposed(blocks: [Words; LANES]) -> [Words; 16] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = blocks;
    // Of four lanes, each quarter of these vectors holds one word: the first vector has the words 0, 4, 8 and 12.
    let [ad, bd, cd, dd] = in_quarters(a, b, c, d);
    let [eh, fh, gh, hh] = in_quarters(e, f, g, h);
    let [il, jl, kl, ll] = in_quarters(i, j, k, l);
    let [mp, np, op, pp] = in_quarters(m, n, o, p);
    let [word_0, word_4, word_8, word_12] = across(ad, eh, il, mp);
    let [word_1, word_5, word_9, word_13] = across(bd, fh, jl, np);
    let [word_2, word_6, word_10, word_14] = across(cd, gh, kl, op);
    let [word_3, word_7, word_11, word_15] = across(dd, hh, ll, pp);
    [
        word_0, word_1, word_2, word_3, word_4, word_5, word_6, word_7, word_8, word_9, word_10, word_11, word_12,
        word_13, word_14, word_15,
    ]
}

/// Transposes the words within each quarter of four vectors.
#[target_feature(enable = "avx512f")]
fn in_quarters(a: Words, b: Words, c: Words, d: Words) -> [Words; 4] {
    let (ab_low, ab_high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    let (cd_low, cd_high) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    [
        _mm512_unpacklo_epi64(ab_low, cd_low),
        _mm512_unpackhi_epi64(ab_low, cd_low),
        _mm512_unpacklo_epi64(ab_high, cd_high),
        _mm512_unpackhi_epi64(ab_high, cd_high),
    ]
}

/// Transposes the quarters of four vectors.
#[target_feature(enable = "avx512f")]
fn across(a: Words, b: Words, c: Words, d: Words) -> [Words; 4] {
    /// The quarters 0 and 2 of two vectors.
    const EVEN: i32 = 0b10_00_10_00;
    /// The quarters 1 and 3 of two vectors.
    const ODD: i32 = 0b11_01_11_01;
    let (ab_even, ab_odd) = (_mm512_shuffle_i32x4::<EVEN>(a, b), _mm512_shuffle_i32x4::<ODD>(a, b));
    let (cd_even, cd_odd) = (_mm512_shuffle_i32x4::<EVEN>(c, d), _mm512_shuffle_i32x4::<ODD>(c, d));
    [
        _mm512_shuffle_i32x4::<EVEN>(ab_even, cd_even),
        _mm512_shuffle_i32x4::<EVEN>(ab_odd, cd_odd),
        _mm512_shuffle_i32x4::<ODD>(ab_even, cd_even),
        _mm512_shuffle_i32x4::<ODD>(ab_odd, cd_odd),
    ]
}

#[target_feature(enable = "avx512f")]
fn add(one: Words, other: Words) -> Words {
    _mm512_add_epi32(one, other)
}

#[target_feature(enable = "avx512f")]
fn splat(word: u32) -> Words {
    _mm512_set1_epi32(word.cast_signed())
}

#[target_feature(enable = "avx512f")]
fn rotate<const BITS: i32>(words: Words) -> Words {
    _mm512_rol_epi32::<BITS>(words)
}

// The number of an operation on three bits is its truth table.

#[target_feature(enable = "avx512f")]
fn f(b: Words, c: Words, d: Words) -> Words {
    _mm512_ternarylogic_epi32::<0b1100_1010>(b, c, d)
}

#[target_feature(enable = "avx512f")]
fn g(b: Words, c: Words, d: Words) -> Words {
    f(d, b, c)
}

#[target_feature(enable = "avx512f")]
fn h(b: Words, c: Words, d: Words) -> Words {
    _mm512_ternarylogic_epi32::<0b1001_0110>(b, c, d)
}

#[target_feature(enable = "avx512f")]
fn i(b: Words, c: Words, d: Words) -> Words {
    _mm512_ternarylogic_epi32::<0b0011_1001>(b, c, d)
}

use md5::{Digest as _, Md5};
use proptest::{collection::vec, prelude::*};

use super::*;

fn check(texts: &[&[u8]]) {
    let expected: Vec<Digest> = texts.iter().map(|text| Md5::digest(text).into()).collect();
    for width in Width::of_this_cpu() {
        assert_eq!(digests_in(width, texts), expected, "{width:?}");
    }
    assert_eq!(digests(texts), expected);
}

/// Texts whose lengths are near the limits of a block as often as not.
fn texts() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let length = prop_oneof![0..4_usize, 52..68_usize, 116..132_usize, 0..3000_usize];
    vec(length.prop_flat_map(|length| vec(any::<u8>(), length)), 0..40)
}

#[test]
fn a_text_of_each_length_has_the_digest_that_it_has_alone() {
    let bytes: Vec<u8> = (0..=255).collect();
    let texts: Vec<&[u8]> = (0..200).map(|length| &bytes[..length]).collect();
    for width in 1..20 {
        texts.chunks(width).for_each(check);
    }
}

#[test]
fn a_long_text_among_short_ones_has_the_digest_that_it_has_alone() {
    let long: Vec<u8> = (0..100_000_u32).map(|at| (at * at / 7) as u8).collect();
    let mut texts: Vec<&[u8]> = long.chunks(90).take(50).collect();
    texts.insert(20, &long);
    check(&texts);
}

proptest! {
    #[test]
    fn many_texts_have_the_digests_that_each_has_alone(texts in texts()) {
        let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        check(&texts);
    }
}

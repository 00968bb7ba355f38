//! A small generator of pseudo-random numbers that gives the same ones on every machine.

/// SplitMix64.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A generator for part `index` of a whole, whose numbers do not depend on how many the other parts draw.
    pub(crate) fn for_part(seed: u64, index: u64) -> Self {
        Self(Self(seed).next() ^ Self(index).next())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of `0..end`; 0 if that is empty.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        // The high half of a product is as even as a remainder, and cheaper.
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// One of `low..=high`.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// One of `low..=high`, small ones far more often than large ones: each doubling is half as likely or less.
    pub(crate) fn skewed(&mut self, low: u64, high: u64) -> u64 {
        let doublings = u64::from((high / low.max(1)).ilog2());
        let doubling = self.between(0, doublings).min(self.between(0, doublings));
        let least = low << doubling;
        self.between(least, (least * 2 - 1).clamp(least, high))
    }

    /// True `times` in a thousand.
    pub(crate) fn per_mille(&mut self, times: u64) -> bool {
        self.below(1000) < times
    }

    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// The value of one of `(weight, value)`, each as often as its weight says.
    pub(crate) fn weighted<T: Copy>(&mut self, choices: &[(u64, T)]) -> T {
        let mut left = self.below(choices.iter().map(|(weight, _)| weight).sum());
        for &(weight, value) in choices {
            if left < weight {
                return value;
            }
            left -= weight;
        }
        choices[0].1
    }

    /// Letters and digits, as identifiers have them.
    pub(crate) fn identifier(&mut self, prefix: &str, length: usize) -> String {
        self.characters(
            prefix,
            length,
            b"0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
        )
    }

    /// What a picture looks like in JSON.
    pub(crate) fn base64(&mut self, length: usize) -> String {
        self.characters(
            "",
            length,
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        )
    }

    pub(crate) fn uuid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | (low >> 50),
            low & 0xffff_ffff_ffff
        )
    }

    fn characters(&mut self, prefix: &str, length: usize, alphabet: &[u8]) -> String {
        let mut text = String::with_capacity(prefix.len() + length);
        text.push_str(prefix);
        text.extend((0..length).map(|_| char::from(self.one_of(alphabet))));
        text
    }
}

//! Numbers that look random and are the same at every run.

/// Where the sequence stands (splitmix64).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    /// The next number below a limit.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    /// Words of hexadecimal digits, which no compression makes small.
    pub(crate) fn words(&mut self, count: u64) -> String {
        let words: Vec<String> = (0..count).map(|_| format!("{:08x}", self.below(1 << 32))).collect();
        words.join(" ")
    }
}

//! Which sessions a corpus has: whose they are, and how large.

use std::path::{Path, PathBuf};

use crate::random::Random;

/// The folders of a corpus.
pub(crate) const USERS: &[&str] = &[
    "amara", "bjorn", "chiara", "dmitri", "elif", "farid", "greta", "hiro", "ines", "jomo", "katya", "liam", "mei",
    "nadia", "oscar", "priya", "quentin", "rosa", "sven", "tomoko",
];

/// One session to generate.
pub(crate) struct Session {
    /// Its place in the plan.
    pub(crate) index: u64,
    /// Whose it is.
    pub(crate) user: &'static str,
    /// Its identifier, which also names its file.
    pub(crate) id: String,
    /// How large it becomes, to within a few lines.
    pub(crate) bytes: u64,
}

impl Session {
    /// Its file in the corpus at `root`.
    pub(crate) fn path(&self, root: &Path) -> PathBuf {
        root.join(self.user).join(format!("{}.jsonl", self.id))
    }
}

/// `count` sessions of `bytes` in all: few people have most of them, and few of them are large.
pub(crate) fn plan(seed: u64, count: u64, bytes: u64) -> Vec<Session> {
    let mut random = Random::new(seed);
    let weights: Vec<u64> = (0..count).map(|_| weight(&mut random)).collect();
    let total: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
    (0..count)
        .zip(weights)
        .map(|(index, weight)| Session {
            index,
            user: USERS[random.below(20).min(random.below(20)) as usize],
            id: random.uuid(),
            bytes: (u128::from(bytes) * u128::from(weight) / total) as u64,
        })
        .collect()
}

/// A size in bytes before all are scaled to the wanted total: one in a hundred is large, one in ten small.
fn weight(random: &mut Random) -> u64 {
    match random.below(100) {
        0 => random.between(5_000_000, 20_000_000),
        1..=10 => random.between(2_000, 50_000),
        _ => random.between(50_000, 500_000).min(random.between(50_000, 500_000)),
    }
}

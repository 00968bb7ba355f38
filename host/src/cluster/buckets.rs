//! The buckets in which the sessions of a processor lie.

use std::fmt;

use md5::{Digest as _, Md5};

use crate::names::SessionKey;

/// Into how many buckets the sessions of a processor are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketCount {
    /// One: a serial processor has one owner.
    One,
    /// 64: several machines share the sessions.
    SixtyFour,
}

/// One of the buckets of a processor, from 0 to 63.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bucket(u8);

/// A set of buckets.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Buckets(u64);

/// A part of the sessions of a processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Into how many buckets the sessions are divided.
    pub count: BucketCount,
    /// The buckets of the part.
    pub buckets: Buckets,
}

/// The bucket of a session: the first eight bytes of the MD5 of its key, as a big-endian number, modulo the number of
/// buckets. It must never change: machines of different versions share sessions by it.
#[must_use]
pub fn bucket_of(session: &SessionKey, count: BucketCount) -> Bucket {
    let digest = Md5::digest(session.as_str());
    let number = digest
        .iter()
        .take(8)
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    // The remainder is less than 64.
    Bucket((number % u64::from(count.number())) as u8)
}

impl Part {
    /// No session.
    pub const NOTHING: Self = Self {
        count: BucketCount::One,
        buckets: Buckets::NONE,
    };

    /// The bucket of a session, if it is in the part.
    #[must_use]
    pub fn bucket(&self, session: &SessionKey) -> Option<Bucket> {
        Some(bucket_of(session, self.count)).filter(|bucket| self.buckets.contains(*bucket))
    }

    /// Whether a session is in the part.
    #[must_use]
    pub fn has(&self, session: &SessionKey) -> bool {
        self.bucket(session).is_some()
    }
}

impl BucketCount {
    /// The number of buckets.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::One => 1,
            Self::SixtyFour => 64,
        }
    }

    /// The count of this number, if a processor may be divided so.
    pub(super) fn from_number(number: i64) -> Option<Self> {
        [Self::One, Self::SixtyFour]
            .into_iter()
            .find(|count| i64::from(count.number()) == number)
    }

    /// All buckets.
    #[must_use]
    pub fn all(self) -> Buckets {
        match self {
            Self::One => Buckets(1),
            Self::SixtyFour => Buckets(u64::MAX),
        }
    }
}

impl Bucket {
    /// The number of the bucket.
    #[must_use]
    pub fn number(self) -> i32 {
        i32::from(self.0)
    }

    /// The bucket of this number, if there may be one.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        u8::try_from(number).ok().filter(|number| *number < 64).map(Self)
    }
}

impl Buckets {
    /// No bucket.
    pub const NONE: Self = Self(0);

    /// Whether the bucket is among them.
    #[must_use]
    pub fn contains(self, bucket: Bucket) -> bool {
        self.0 & (1 << bucket.0) != 0
    }

    /// These and those.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// These, but not those.
    #[must_use]
    pub fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Those that are both among these and among those.
    #[must_use]
    pub fn common(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// How many they are.
    #[must_use]
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The buckets, by number.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Bucket> {
        (0..64).map(Bucket).filter(move |bucket| self.contains(*bucket))
    }

    /// The numbers of the buckets, for SQL.
    pub(super) fn numbers(self) -> Vec<i32> {
        self.iter().map(Bucket::number).collect()
    }

    /// So many of them at most: those of the highest numbers.
    pub(super) fn last(self, most: usize) -> Self {
        self.iter().rev().take(most).collect()
    }
}

impl FromIterator<Bucket> for Buckets {
    fn from_iter<T: IntoIterator<Item = Bucket>>(buckets: T) -> Self {
        Self(buckets.into_iter().fold(0, |set, bucket| set | 1 << bucket.0))
    }
}

impl fmt::Debug for Buckets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_set()
            .entries(self.iter().map(|bucket| bucket.0))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_bucket_of_a_session_never_changes() {
        let key = SessionKey::new("");
        // The MD5 of nothing is d41d8cd98f00b204...
        assert_eq!(bucket_of(&key, BucketCount::SixtyFour), Bucket(4));
        assert_eq!(bucket_of(&key, BucketCount::One), Bucket(0));
    }

    #[test]
    fn sessions_lie_in_all_buckets() {
        let keys = (0..2_000).map(|number| SessionKey::new(format!("alice/{number}.jsonl")));
        let used: Buckets = keys.map(|key| bucket_of(&key, BucketCount::SixtyFour)).collect();
        assert_eq!(used, BucketCount::SixtyFour.all());
    }

    proptest! {
        #[test]
        fn sets_behave_as_sets(one: u64, other: u64, most in 0_usize..70) {
            let (one, other) = (Buckets(one), Buckets(other));
            prop_assert_eq!(one.iter().collect::<Buckets>(), one);
            prop_assert_eq!(one.iter().count(), one.len());
            prop_assert_eq!(one.without(other).and(other), one.and(other));
            prop_assert_eq!(one.common(other).and(one.without(other)), one);
            prop_assert_eq!(one.last(most).len(), most.min(one.len()));
            prop_assert!(one.last(most).without(one).is_empty());
        }
    }
}

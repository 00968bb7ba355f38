//! Numbers in messages as they lie in memory, because host and worker run on one machine.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serializer, de::Error};
use serde_bytes::Bytes;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// Writes numbers.
pub(super) fn serialize<T, S>(numbers: &[T], serializer: S) -> Result<S::Ok, S::Error>
where
    T: IntoBytes + Immutable,
    S: Serializer,
{
    serializer.serialize_bytes(numbers.as_bytes())
}

/// Reads numbers.
pub(super) fn deserialize<'de: 'a, 'a, T, D>(deserializer: D) -> Result<Cow<'a, [T]>, D::Error>
where
    T: FromBytes + IntoBytes + Clone,
    D: Deserializer<'de>,
{
    let bytes = <&Bytes>::deserialize(deserializer)?;
    if bytes.len() % size_of::<T>() != 0 {
        return Err(D::Error::custom("a number is cut off"));
    }
    let mut numbers = vec![T::new_zeroed(); bytes.len() / size_of::<T>()];
    numbers.as_mut_bytes().copy_from_slice(bytes);
    Ok(Cow::Owned(numbers))
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Numbers<'a> {
        #[serde(borrow, with = "super")]
        floats: Cow<'a, [f64]>,
    }

    #[test]
    fn every_bit_arrives() {
        let nan = f64::from_bits(0x7ff8_0000_dead_beef);
        let floats = Cow::Borrowed(&[-0.0, nan, f64::MIN_POSITIVE][..]);
        let bytes = postcard::to_stdvec(&Numbers { floats: floats.clone() }).unwrap();
        let read: Numbers<'_> = postcard::from_bytes(&bytes).unwrap();
        let bits = |floats: &[f64]| floats.iter().map(|float| float.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&read.floats), bits(&floats));
    }

    #[test]
    fn numbers_that_are_cut_off_are_refused() {
        let bytes = postcard::to_stdvec(&Bytes::new(&[0; 12])).unwrap();
        assert!(postcard::from_bytes::<Numbers<'_>>(&bytes).is_err());
    }
}

//! Reads a field from a JSON value of any type. The field is read from its raw JSON, so a bad value affects no other field.

use std::borrow::Cow;

use super::{Json, cursor::Cursor};

/// A type that can be read from any JSON value. A value of an unexpected type gives the default.
pub(super) trait Lenient<'a>: Default {
    /// The value, or the default.
    fn from_json(json: Json<'a>) -> Self;

    /// Passes over the next value and returns it, or the default. `None` if there is no JSON.
    fn read(cursor: &mut Cursor<'a>) -> Option<Self> {
        Some(Self::from_json(Json::from_valid(cursor.value()?)))
    }
}

/// Declares which keys of an object fill which fields of a struct; a repeated key overwrites.
///
/// The fields of an object in an object are read in the same pass.
macro_rules! lenient_object {
    ($type:ty { $( $($key:literal)|+ => $field:ident, )* }) => {
        impl<'a> $type {
            /// Passes over the value of a key, and fills the key's field.
            fn take(&mut self, key: &[u8], cursor: &mut $crate::transcript::cursor::Cursor<'a>) -> Option<()> {
                match key {
                    $( $($key)|+ => self.$field = $crate::transcript::lenient::Lenient::read(cursor)?, )*
                    _ => _ = cursor.value()?,
                }
                Some(())
            }
        }

        impl<'a> $crate::transcript::lenient::Lenient<'a> for $type {
            fn from_json(json: $crate::transcript::Json<'a>) -> Self {
                Self::read(&mut json.cursor()).unwrap_or_default()
            }

            fn read(cursor: &mut $crate::transcript::cursor::Cursor<'a>) -> Option<Self> {
                let mut object = Self::default();
                match cursor.is_at_object() {
                    true => cursor.members(|key, cursor| object.take(key, cursor))?,
                    false => _ = cursor.value()?,
                }
                Some(object)
            }
        }
    };
}
pub(super) use lenient_object;

impl<'a> Lenient<'a> for Json<'a> {
    fn from_json(json: Json<'a>) -> Self {
        json
    }
}

impl<'a> Lenient<'a> for bool {
    fn from_json(json: Json<'a>) -> Self {
        json.as_str() == "true"
    }
}

impl<'a> Lenient<'a> for i64 {
    fn from_json(json: Json<'a>) -> Self {
        json.as_str().parse().unwrap_or_default()
    }
}

impl<'a> Lenient<'a> for Option<i64> {
    fn from_json(json: Json<'a>) -> Self {
        json.as_str().parse().ok()
    }
}

impl<'a> Lenient<'a> for Option<f64> {
    fn from_json(json: Json<'a>) -> Self {
        json.parse().ok()
    }
}

impl<'a> Lenient<'a> for Option<Cow<'a, str>> {
    fn from_json(json: Json<'a>) -> Self {
        json.text().map(|text| text.decode())
    }

    fn read(cursor: &mut Cursor<'a>) -> Option<Self> {
        cursor.string()
    }
}

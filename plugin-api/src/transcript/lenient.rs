//! Reads a field from a JSON value of any type. The field is read from its raw JSON, so a bad value affects no other field.

use std::borrow::Cow;

use super::Json;

/// A type that can be read from any JSON value. A value of an unexpected type gives the default.
pub(super) trait Lenient<'a>: Default {
    /// The value, or the default.
    fn from_json(json: Json<'a>) -> Self;
}

/// Declares which keys of an object fill which fields of a struct; a repeated key overwrites.
macro_rules! lenient_object {
    ($type:ty { $( $($key:literal)|+ => $field:ident, )* }) => {
        impl<'a> $type {
            fn set(&mut self, key: &[u8], value: $crate::transcript::Json<'a>) {
                match key {
                    $( $($key)|+ => self.$field = $crate::transcript::lenient::Lenient::from_json(value), )*
                    _ => {}
                }
            }
        }

        impl<'a> $crate::transcript::lenient::Lenient<'a> for $type {
            fn from_json(json: $crate::transcript::Json<'a>) -> Self {
                let mut object = Self::default();
                json.for_each_member(|key, value| object.set(key, value));
                object
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
}

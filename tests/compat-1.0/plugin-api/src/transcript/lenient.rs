//! How a value of any type becomes a field: by looking at its raw JSON, so that it never costs more than itself.

use std::borrow::Cow;

use super::Json;

/// A type that any JSON value can be read as: a value of another type than expected gives the default.
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

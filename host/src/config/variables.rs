//! Reads values from environment variables.
//!
//! An empty variable counts as unset, because units and containers cannot always omit a variable.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, str::FromStr};

use super::ConfigError;
use crate::{week::WeekStart, zone::Zone};

/// A type that a variable's value can have.
pub(super) trait FromVariable: Sized {
    /// The value of a variable; `None` if it is unset or empty.
    ///
    /// # Errors
    /// When the value is invalid for this type.
    fn from_variable(variable: &str, value: Option<OsString>) -> Result<Option<Self>, ConfigError>;
}

impl FromVariable for PathBuf {
    fn from_variable(_: &str, value: Option<OsString>) -> Result<Option<Self>, ConfigError> {
        Ok(value.filter(|value| !value.is_empty()).map(Self::from))
    }
}

impl FromVariable for String {
    fn from_variable(variable: &str, value: Option<OsString>) -> Result<Option<Self>, ConfigError> {
        match value.filter(|value| !value.is_empty()).map(OsString::into_string) {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(text)),
            Some(Err(value)) => Err(refused(variable, &value.to_string_lossy(), "it must be UTF-8 text")),
        }
    }
}

/// Separated by commas.
impl FromVariable for Vec<String> {
    fn from_variable(variable: &str, value: Option<OsString>) -> Result<Option<Self>, ConfigError> {
        Ok(String::from_variable(variable, value)?.map(|text| list_of(&text)))
    }
}

/// The parts of a text between commas.
pub(super) fn list_of(text: &str) -> Vec<String> {
    let parts = text.split(',').map(str::trim);
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

impl FromVariable for bool {
    fn from_variable(variable: &str, value: Option<OsString>) -> Result<Option<Self>, ConfigError> {
        let Some(text) = String::from_variable(variable, value)? else {
            return Ok(None);
        };
        match text.to_lowercase().as_str() {
            "1" | "true" | "yes" | "y" | "on" | "t" => Ok(Some(true)),
            "0" | "false" | "no" | "n" | "off" | "f" => Ok(Some(false)),
            _ => Err(refused(variable, &text, "it must be true or false")),
        }
    }
}

macro_rules! parsed {
    ($($type:ty: $what:literal),+) => {
        $(
            impl FromVariable for $type {
                fn from_variable(variable: &str, value: Option<OsString>) -> Result<Option<Self>, ConfigError> {
                    parse(variable, value, $what)
                }
            }
        )+
    };
}

parsed!(u64: "it must be a whole number", usize: "it must be a whole number", SocketAddr: "it must be an address and a port such as 127.0.0.1:7741");

macro_rules! explained {
    ($($type:ty),+) => {
        $(
            /// The type's own error says what the value must be.
            impl FromVariable for $type {
                fn from_variable(variable: &str, value: Option<OsString>) -> Result<Option<Self>, ConfigError> {
                    let text = String::from_variable(variable, value)?;
                    text.map(|text| text.trim().parse().map_err(|error| refused(variable, &text, &format!("{error}"))))
                        .transpose()
                }
            }
        )+
    };
}

explained!(WeekStart, Zone);

fn parse<T: FromStr>(variable: &str, value: Option<OsString>, what: &str) -> Result<Option<T>, ConfigError> {
    let text = String::from_variable(variable, value)?;
    text.map(|text| text.trim().parse().map_err(|_| refused(variable, &text, what)))
        .transpose()
}

fn refused(variable: &str, value: &str, reason: &str) -> ConfigError {
    ConfigError::Variable {
        variable: variable.to_owned(),
        value: value.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: FromVariable>(value: &str) -> Result<Option<T>, String> {
        T::from_variable("SESSION_HOST_X", Some(value.into())).map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_read_as_their_types() {
        assert_eq!(read("7"), Ok(Some(7_u64)));
        assert_eq!(read("YES"), Ok(Some(true)));
        assert_eq!(
            read("[::1]:80"),
            Ok(Some(SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 80))))
        );
        let names = vec!["a.so".to_owned(), "b.so".to_owned()];
        assert_eq!(read("a.so, b.so,"), Ok(Some(names)));
        assert_eq!(read::<u64>(""), Ok(None));
        assert_eq!(u64::from_variable("X", None).unwrap(), None);
    }

    #[test]
    fn the_error_of_an_invalid_value_names_variable_and_value() {
        assert_eq!(
            read::<u64>("-1").unwrap_err(),
            "the variable SESSION_HOST_X is `-1`: it must be a whole number"
        );
        assert!(read::<bool>("maybe").is_err() && read::<SocketAddr>("7741").is_err());
    }
}

//! Values as the environment has them.
//!
//! An empty variable counts as not set, since units and containers cannot always leave a variable out.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, str::FromStr};

use super::ConfigError;

/// A type that a variable can be read as.
pub(super) trait FromVariable: Sized {
    /// The value of a variable; `None` where it is not set, or empty.
    ///
    /// # Errors
    /// When it cannot be read so.
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
            Some(Err(value)) => Err(refused(variable, &value.to_string_lossy(), "it must be text in UTF-8")),
        }
    }
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
        assert_eq!(read::<u64>(""), Ok(None));
        assert_eq!(u64::from_variable("X", None).unwrap(), None);
    }

    #[test]
    fn what_cannot_be_read_names_variable_and_value() {
        assert_eq!(
            read::<u64>("-1").unwrap_err(),
            "the variable SESSION_HOST_X is `-1`: it must be a whole number"
        );
        assert!(read::<bool>("maybe").is_err() && read::<SocketAddr>("7741").is_err());
    }
}

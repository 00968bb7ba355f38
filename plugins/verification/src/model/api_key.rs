//! The key of a model's provider.

use std::{fmt, fs, os::unix::fs::MetadataExt, path::PathBuf};

use session_plugin_api::{Error, Result};

/// A secret that is sent to the provider and never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ApiKey(String);

/// The source of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeySource {
    /// The model needs no key.
    None,
    /// An environment variable.
    Variable(String),
    /// A file that contains only the key.
    File(PathBuf),
}

impl KeySource {
    /// The source that the settings name, else the default variable of the format, if it has one.
    ///
    /// # Errors
    /// When the settings name two sources, or an invalid one.
    pub(crate) fn choose(variable: Option<String>, file: Option<PathBuf>, usual: Option<&str>) -> Result<Self> {
        match (variable, file) {
            (Some(_), Some(_)) => Err(Error::new(
                "api_key_env and api_key_file are both set; keep one of them",
            )),
            (Some(name), None) if is_variable_name(&name) => Ok(Self::Variable(name)),
            // The error omits the value, because it may be the key itself.
            (Some(_), None) => Err(Error::new(
                "api_key_env is not the name of an environment variable in capitals; set it to one such as MODEL_API_KEY",
            )),
            (None, Some(path)) if path.is_absolute() => Ok(Self::File(path)),
            (None, Some(path)) => Err(Error::new(format!(
                "api_key_file {} is not an absolute path; set it to one",
                path.display()
            ))),
            (None, None) => Ok(usual.map_or(Self::None, |name| Self::Variable(name.to_owned()))),
        }
    }

    /// The current key.
    ///
    /// # Errors
    /// When there is no key, everyone may read its file, or it cannot be sent.
    pub(crate) fn read(&self, variable: impl Fn(&str) -> Option<String>) -> Result<Option<ApiKey>> {
        match self {
            Self::None => Ok(None),
            Self::Variable(name) => {
                let text = variable(name).filter(|text| !text.trim().is_empty());
                let text = text.ok_or_else(|| {
                    Error::new(format!(
                        "there is no key; set the environment variable {name} for the host, or set api_key_file"
                    ))
                })?;
                ApiKey::new(&text, &format!("the environment variable {name}")).map(Some)
            }
            Self::File(path) => {
                let place = format!("api_key_file {}", path.display());
                let doing = |error: std::io::Error| Error::new(format!("cannot read {place}: {error}"));
                let mode = fs::metadata(path).map_err(doing)?.mode();
                if mode & 0o007 != 0 {
                    return Err(Error::new(format!(
                        "everyone may read or write {place}; run `chmod 600` on it, and create a new key"
                    )));
                }
                let text = fs::read_to_string(path).map_err(doing)?;
                ApiKey::new(&text, &place).map(Some)
            }
        }
    }
}

fn is_variable_name(name: &str) -> bool {
    let is_fit = |character: char| character.is_ascii_uppercase() || character.is_ascii_digit() || character == '_';
    !name.is_empty() && name.chars().all(is_fit) && !name.starts_with(|first: char| first.is_ascii_digit())
}

impl ApiKey {
    fn new(text: &str, place: &str) -> Result<Self> {
        let key = text.trim();
        match !key.is_empty() && key.chars().all(|character| character.is_ascii_graphic()) {
            true => Ok(Self(key.to_owned())),
            false => Err(Error::new(format!(
                "{place} does not contain a key; a key is one word of ASCII characters"
            ))),
        }
    }

    /// The key itself, for the header that sends it.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiKey(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt};

    use super::*;

    fn source(variable: Option<&str>, file: Option<&str>, usual: Option<&str>) -> Result<KeySource> {
        KeySource::choose(variable.map(str::to_owned), file.map(PathBuf::from), usual)
    }

    #[test]
    fn the_settings_stand_before_the_usual_variable() {
        let variable = |name: &str| KeySource::Variable(name.to_owned());
        assert_eq!(source(Some("MY_KEY"), None, Some("USUAL")).unwrap(), variable("MY_KEY"));
        assert_eq!(source(None, None, Some("USUAL")).unwrap(), variable("USUAL"));
        assert_eq!(source(None, None, None).unwrap(), KeySource::None);
        let file = KeySource::File(PathBuf::from("/run/key"));
        assert_eq!(source(None, Some("/run/key"), Some("USUAL")).unwrap(), file);
    }

    #[test]
    fn a_key_in_place_of_a_name_is_not_told() {
        for key in ["sk-hunter2", "hunter2", "2HUNTER", ""] {
            let error = source(Some(key), None, None).unwrap_err().to_string();
            assert!(
                error.starts_with("api_key_env") && !error.to_lowercase().contains("hunter"),
                "{error}"
            );
        }
        assert!(source(Some("A"), Some("/b"), None).is_err());
        assert!(source(None, Some("key"), None).is_err());
    }

    #[test]
    fn a_key_is_read_trimmed_and_never_shown() {
        let source = KeySource::Variable("MY_KEY".to_owned());
        let key = source
            .read(|name| (name == "MY_KEY").then(|| " hunter2\n".to_owned()))
            .unwrap()
            .unwrap();
        assert_eq!(
            (key.reveal(), format!("{key:?}")),
            ("hunter2", "ApiKey(hidden)".to_owned())
        );
        for bad in [None, Some(""), Some("two words"), Some("gr\u{fc}n"), Some("a\nb")] {
            let error = source.read(|_| bad.map(str::to_owned)).unwrap_err().to_string();
            assert!(error.contains("MY_KEY") && !error.contains("two"), "{error}");
        }
    }

    #[test]
    fn a_file_that_everyone_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let source = KeySource::File(path.clone());
        assert!(source.read(|_| None).unwrap_err().to_string().contains("api_key_file"));
        fs::write(&path, "hunter2\n").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert!(source.read(|_| None).unwrap_err().to_string().contains("chmod 600"));
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert_eq!(source.read(|_| None).unwrap().unwrap().reveal(), "hunter2");
    }
}

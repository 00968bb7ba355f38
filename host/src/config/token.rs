//! The token of the admin interface.

use std::{
    env, fmt, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use subtle::ConstantTimeEq;

use super::ConfigError;

/// The variable that holds the token itself.
const VARIABLE: &str = "SESSION_HOST_API_TOKEN";

/// How many characters a token must have, so that it cannot be guessed.
const SHORTEST: usize = 16;

/// A secret that whoever calls the admin interface must know. It is never shown.
#[derive(Clone)]
pub struct ApiToken(String);

/// Where the token comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// There is none.
    None,
    /// The variable SESSION_HOST_API_TOKEN.
    Variable,
    /// This file.
    File(PathBuf),
}

impl TokenSource {
    /// The variable where it is set, else the file that is named.
    #[must_use]
    pub fn choose(file: Option<PathBuf>) -> Self {
        match (env::var_os(VARIABLE), file) {
            (Some(value), _) if !value.is_empty() => Self::Variable,
            (_, Some(file)) => Self::File(file),
            (_, None) => Self::None,
        }
    }

    /// The token as it is there now.
    ///
    /// # Errors
    /// When it cannot be read, everyone may read it, or it is unfit.
    pub fn read(&self) -> Result<Option<ApiToken>, ConfigError> {
        match self {
            Self::None => Ok(None),
            Self::Variable => {
                let text = env::var(VARIABLE).map_err(|_| refused(VARIABLE, "it must be text in UTF-8"))?;
                ApiToken::new(&text, VARIABLE).map(Some)
            }
            Self::File(path) => read_file(path).map(Some),
        }
    }
}

fn read_file(path: &Path) -> Result<ApiToken, ConfigError> {
    let place = path.display().to_string();
    let metadata = fs::metadata(path).map_err(|error| refused(&place, error))?;
    if metadata.mode() & 0o007 != 0 {
        let reason = format!("everyone may read or write the file: run `chmod 600 {place}`, and make a new token");
        return Err(refused(&place, reason));
    }
    let text = fs::read_to_string(path).map_err(|error| refused(&place, error))?;
    ApiToken::new(&text, &place)
}

impl ApiToken {
    fn new(text: &str, place: &str) -> Result<Self, ConfigError> {
        let token = text.trim();
        let remedy = "make one with `openssl rand -hex 32`";
        if token.len() < SHORTEST {
            return Err(refused(
                place,
                format!("it has fewer than {SHORTEST} characters: {remedy}"),
            ));
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(refused(
                place,
                format!("it has characters that no header can carry: {remedy}"),
            ));
        }
        Ok(Self(token.to_owned()))
    }

    /// Whether this is the token, in a time that tells nothing about it.
    #[must_use]
    pub fn matches(&self, given: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(given).into()
    }

    /// The value of the header `Authorization` that bears the token.
    #[must_use]
    pub fn as_header(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiToken(..)")
    }
}

fn refused(place: &str, reason: impl ToString) -> ConfigError {
    ConfigError::Token {
        place: place.to_owned(),
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const TOKEN: &str = "0123456789abcdef0123";

    fn file(text: &str, mode: u32) -> (tempfile::TempDir, TokenSource) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, TokenSource::File(path))
    }

    #[test]
    fn a_token_is_read_without_the_line_break() {
        for mode in [0o600, 0o640] {
            let (_folder, source) = file(&format!("{TOKEN}\n"), mode);
            let token = source.read().unwrap().unwrap();
            assert!(token.matches(TOKEN.as_bytes()));
            assert!(!token.matches(b"0123456789abcdef012") && !token.matches(b""));
            assert_eq!(format!("{token:?}"), "ApiToken(..)");
        }
    }

    #[test]
    fn an_unfit_token_is_refused_without_being_shown() {
        for (text, mode, reason) in [
            (TOKEN, 0o604, "everyone may read"),
            ("short", 0o600, "fewer than 16"),
            ("\n", 0o600, "fewer than 16"),
            ("0123456789 abcdef0123", 0o600, "no header"),
        ] {
            let (_folder, source) = file(text, mode);
            let error = source.read().unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
            assert!(text.trim().is_empty() || !error.contains(text.trim()), "{error}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = TokenSource::File("/nowhere/token".into()).read().unwrap_err();
        assert!(error.to_string().contains("/nowhere/token"));
    }
}

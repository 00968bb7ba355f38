//! The source of the admin interface's token: the operator's variable, the operator's file, or, if neither is configured,
//! a file that the service creates.

use std::{
    env, fmt,
    path::{Path, PathBuf},
};

use super::{
    ConfigError,
    api_token::{ApiToken, LONGEST, refused},
    made_token, secret_file,
};
use crate::names::API_TOKEN_VARIABLE;

/// The source of the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// The variable SESSION_HOST_API_TOKEN.
    Variable,
    /// This file, which the operator names.
    File(PathBuf),
    /// This file, which `serve` creates because the operator configured no token.
    Made(PathBuf),
}

impl TokenSource {
    /// The variable if it is set, else the configured file, else the file that the service creates in the data directory.
    #[must_use]
    pub fn choose(file: Option<PathBuf>, data: &Path) -> Self {
        match (env::var_os(API_TOKEN_VARIABLE), file) {
            (Some(value), _) if !value.is_empty() => Self::Variable,
            (_, Some(file)) => Self::File(file),
            (_, None) => Self::Made(data.join(made_token::FILE)),
        }
    }

    /// Whether the operator configured the token.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        !matches!(self, Self::Made(_))
    }

    /// The current token; `None` if none is configured and `serve` has not created one yet.
    ///
    /// # Errors
    /// When it cannot be read, others may read it, or it is invalid.
    pub fn find(&self) -> Result<Option<ApiToken>, ConfigError> {
        match self {
            Self::Variable => {
                let text =
                    env::var(API_TOKEN_VARIABLE).map_err(|_| refused(API_TOKEN_VARIABLE, "it must be UTF-8 text"))?;
                ApiToken::new(&text, API_TOKEN_VARIABLE).map(Some)
            }
            Self::File(path) => read_file(path).map(Some),
            Self::Made(path) => made_token::read(path),
        }
    }

    /// The current token. If none is configured and none exists, creates one.
    ///
    /// # Errors
    /// As for [`Self::find`], and when the file cannot be created.
    pub fn find_or_make(&self) -> Result<ApiToken, ConfigError> {
        match self {
            Self::Made(path) => made_token::find_or_make(path),
            source => source
                .find()?
                .ok_or_else(|| refused(&source.to_string(), "there is no token")),
        }
    }

    /// The token in force, for requests to a server.
    ///
    /// # Errors
    /// As for [`Self::find`], and when there is none.
    pub fn in_force(&self) -> Result<ApiToken, ConfigError> {
        self.find()?.ok_or_else(|| {
            let reason = "no token is configured, and the service has not created one yet; `session-host serve` creates it at its start; if the service has another data directory, name that with --data";
            refused(&self.to_string(), reason)
        })
    }
}

impl fmt::Display for TokenSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable => formatter.write_str(API_TOKEN_VARIABLE),
            Self::File(path) | Self::Made(path) => write!(formatter, "{}", path.display()),
        }
    }
}

fn read_file(path: &Path) -> Result<ApiToken, ConfigError> {
    let place = path.display().to_string();
    let text = secret_file::read(path, LONGEST).map_err(|reason| refused(&place, reason))?;
    ApiToken::new(&text, &place)
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt, chown},
    };

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
    fn reads_a_token_without_the_line_break() {
        for mode in [0o600, 0o640] {
            let (_folder, source) = file(&format!("{TOKEN}\n"), mode);
            let token = source.find().unwrap().unwrap();
            assert!(token.matches(TOKEN.as_bytes()));
            assert!(!token.matches(b"0123456789abcdef012") && !token.matches(b""));
            assert_eq!(format!("{token:?}"), "ApiToken(..)");
        }
    }

    #[test]
    fn refuses_an_invalid_token_without_showing_it() {
        for (text, mode, reason) in [
            (TOKEN, 0o604, "everyone may read"),
            ("short", 0o600, "fewer than 16"),
            ("\n", 0o600, "fewer than 16"),
            ("0123456789 abcdef0123", 0o600, "no HTTP header"),
        ] {
            let (_folder, source) = file(text, mode);
            let error = source.find().unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
            assert!(text.trim().is_empty() || !error.contains(text.trim()), "{error}");
        }
    }

    #[test]
    fn a_file_that_another_user_could_have_written_is_refused() {
        let (_folder, source) = file(TOKEN, 0o660);
        let refusal = source.find().unwrap_err().to_string();
        assert!(refusal.contains("its group may write"), "{refusal}");
        let (folder, source) = file(TOKEN, 0o600);
        chown(folder.path().join("token"), Some(12_345), None).unwrap();
        let refusal = source.find().unwrap_err().to_string();
        assert!(refusal.contains("belongs to user 12345"), "{refusal}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = TokenSource::File("/nowhere/token".into()).find().unwrap_err();
        assert!(error.to_string().contains("/nowhere/token"));
    }
}

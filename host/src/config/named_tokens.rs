//! The tables `[[tokens]]`: tokens beside the main one, each with a role.
//!
//! The file has only the digest of a token, so whoever reads the configuration learns none.

use std::{collections::BTreeSet, fmt, path::Path};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{ConfigError, api_token::SHORTEST};
use crate::{hex::hex, names::is_name};

/// A table as written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NamedTokenTable {
    /// Whose token it is.
    pub name: String,
    /// The digest of the token: `sha256:` and 64 hex digits.
    pub hash: String,
    /// What its holder may do.
    pub role: Role,
}

/// What the holder of a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything.
    Admin,
    /// Look, without a query of their own.
    Viewer,
}

impl Role {
    /// The name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Viewer => "viewer",
        }
    }
}

/// A token beside the main one.
#[derive(Clone, PartialEq, Eq)]
pub struct NamedToken {
    name: String,
    digest: String,
    /// What its holder may do.
    pub role: Role,
}

impl NamedToken {
    /// The checked tokens of the tables in this file.
    ///
    /// # Errors
    /// When a name or a digest is invalid, or two tokens have the same name.
    pub(super) fn all(tables: Vec<NamedTokenTable>, file: &Path) -> Result<Vec<Self>, ConfigError> {
        let mut names = BTreeSet::new();
        let checked = tables.into_iter().map(|table| {
            let refused = |reason: &'static str| ConfigError::NamedToken {
                path: file.to_owned(),
                name: table.name.clone(),
                reason,
            };
            if !is_name(&table.name) {
                return Err(refused("a name must match [a-z][a-z0-9_-]*"));
            }
            if !names.insert(table.name.clone()) {
                return Err(refused("another token has this name: rename one of them"));
            }
            let digest = table.hash.strip_prefix("sha256:").map(str::to_ascii_lowercase);
            let is_digest = |digest: &String| digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
            let digest = digest.filter(is_digest).ok_or_else(|| {
                refused("hash must be `sha256:` and 64 hex digits: `printf %s TOKEN | sha256sum` prints them")
            })?;
            Ok(Self {
                name: table.name.clone(),
                digest,
                role: table.role,
            })
        });
        checked.collect()
    }

    /// Whether this is the token. The time that the comparison takes reveals nothing about it. Nothing that could be guessed
    /// is a token, whatever digest stands in the file.
    #[must_use]
    pub fn matches(&self, given: &[u8]) -> bool {
        given.len() >= SHORTEST
            && hex(Sha256::digest(given))
                .as_bytes()
                .ct_eq(self.digest.as_bytes())
                .into()
    }

    /// Whose token it is.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What tells this token from every other: its name and its digest.
    #[must_use]
    pub fn identity(&self) -> String {
        format!("{} {}", self.name, self.digest)
    }
}

impl fmt::Debug for NamedToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "NamedToken({}, {:?})", self.name, self.role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digest of `correct-horse-battery-staple`.
    const HASH: &str = "sha256:7c4a3f1a6a1c4b1b9d7f8e0f2d5b6c3e9a8f7d6c5b4a3f2e1d0c9b8a7f6e5d4c";

    fn all(tables: &[(&str, &str)]) -> Result<Vec<NamedToken>, String> {
        let tables = tables.iter().map(|(name, hash)| NamedTokenTable {
            name: (*name).to_owned(),
            hash: (*hash).to_owned(),
            role: Role::Viewer,
        });
        NamedToken::all(tables.collect(), Path::new("/etc/c.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_token_is_known_by_its_digest() {
        let token = "correct-horse-battery-staple";
        let hash = format!("sha256:{}", hex(Sha256::digest(token)).to_ascii_uppercase());
        let tokens = all(&[("ann", &hash)]).unwrap();
        assert!(tokens[0].matches(token.as_bytes()));
        assert!(!tokens[0].matches(b"correct-horse-battery-stapl") && !tokens[0].matches(b""));
        let short = format!("sha256:{}", hex(Sha256::digest("short")));
        assert!(!all(&[("ann", &short)]).unwrap()[0].matches(b"short"));
        assert_eq!(format!("{tokens:?}"), "[NamedToken(ann, Viewer)]");
    }

    #[test]
    fn an_invalid_table_is_named_with_a_remedy() {
        for (tables, told) in [
            (
                &[("Ann", HASH)][..],
                "/etc/c.toml: the token `Ann` in [[tokens]]: a name must match",
            ),
            (&[("ann", HASH), ("ann", HASH)], "another token has this name"),
            (&[("ann", "7c4a")], "hash must be `sha256:` and 64 hex digits"),
            (&[("ann", "sha256:7c4a")], "sha256sum"),
        ] {
            let error = all(tables).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }
}

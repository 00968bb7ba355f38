//! The key that secrets are fingerprinted with: random, and created once per database.

use std::{fmt, sync::OnceLock};

use session_plugin_api::{Connection, Error, Result};

const LENGTH: usize = 32;

/// The fingerprint key of a database.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Salt([u8; LENGTH]);

impl Salt {
    #[cfg(test)]
    pub(crate) fn from_bytes(bytes: [u8; LENGTH]) -> Self {
        Self(bytes)
    }

    /// A new salt from the operating system's random generator.
    fn random() -> Result<Self> {
        let mut bytes = [0; LENGTH];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The salt as an HMAC-SHA-256 key: padded with zeros to the length of a block.
    pub(crate) fn as_key(&self) -> [u8; 64] {
        let mut key = [0; 64];
        key[..LENGTH].copy_from_slice(&self.0);
        key
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Salt(..)")
    }
}

/// Remembers the salt, so that only the first attempts with findings ask the database for it.
#[derive(Debug, Default)]
pub(crate) struct SaltCache(OnceLock<Salt>);

impl SaltCache {
    /// The salt of the database. Creates it if there is none yet.
    ///
    /// If several attempts create one at the same time, the first to commit wins: the primary key rejects the others,
    /// and the host repeats those attempts. A new salt is remembered only when a later attempt finds it committed.
    pub(crate) fn get(&self, connection: &Connection<'_>) -> Result<Salt> {
        if let Some(salt) = self.0.get() {
            return Ok(*salt);
        }
        let stored = connection.query("SELECT salt FROM secrets_salt", &[])?;
        if let Some(row) = stored.first() {
            let bytes: &[u8] = row.get("salt")?;
            let salt = <[u8; LENGTH]>::try_from(bytes).map_err(|_| {
                Error::new(format!(
                    "the salt in table secrets_salt is {} bytes long instead of {LENGTH}; restore the table, or \
                     empty it and run `session-host reprocess secrets`",
                    bytes.len()
                ))
            })?;
            return Ok(*self.0.get_or_init(|| Salt(salt)));
        }
        let salt = Salt::random()?;
        connection.execute("INSERT INTO secrets_salt VALUES (1, ?)", &[&salt.0.as_slice()])?;
        Ok(salt)
    }
}

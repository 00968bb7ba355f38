//! The secrets of the page, in files of the data directory that the service creates for itself.
//!
//! The token alone must not seal visits: a viewer could try likely tokens on the own cookie, without asking the service. One
//! secret stays, so a visit survives a restart; without its file every visit ends. The other one is that of the running
//! service: a link that signs in once is good for no other one.
//!
//! # Threads
//! Clones share the secrets. A lock guards the one that can change; readers copy it, so no request holds the lock.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use super::{ConfigError, api_token::ApiToken, made_token};

/// The file of the secret that seals visits.
const VISITS: &str = "page-secret";

/// The file of the secret that seals links.
const LINKS: &str = "page-start";

/// The secrets that seal visits and links, beside the token.
#[derive(Clone, Debug)]
pub struct PageSecrets(Arc<Secrets>);

#[derive(Debug)]
struct Secrets {
    visits_file: PathBuf,
    visits: RwLock<ApiToken>,
    links: ApiToken,
}

impl PageSecrets {
    /// The secrets of a service that starts with this data directory. A secret that cannot be written, as on a full disk,
    /// is that of this service alone.
    ///
    /// # Errors
    /// When somebody else may have written a file, or the system has no random bytes.
    pub fn start(data: &Path) -> Result<Self, ConfigError> {
        let (visits_file, links_file) = (data.join(VISITS), data.join(LINKS));
        let links = written_or_kept(&links_file, made_token::replace(&links_file))?;
        let visits = written_or_kept(&visits_file, made_token::find_or_make(&visits_file))?;
        Ok(Self::of(visits, links, visits_file))
    }

    /// The secrets of the service that runs with this data directory; `None` if none has started.
    ///
    /// # Errors
    /// When a file cannot be read, or somebody else may have written it.
    pub fn find(data: &Path) -> Result<Option<Self>, ConfigError> {
        let visits_file = data.join(VISITS);
        let found = made_token::read(&visits_file)?.zip(made_token::read(&data.join(LINKS))?);
        Ok(found.map(|(visits, links)| Self::of(visits, links, visits_file)))
    }

    fn of(visits: ApiToken, links: ApiToken, visits_file: PathBuf) -> Self {
        Self(Arc::new(Secrets {
            visits_file,
            visits: RwLock::new(visits),
            links,
        }))
    }

    /// Takes up another file. Without one, makes another secret.
    ///
    /// # Errors
    /// When the file cannot be read or written; the secret stays then.
    pub fn read_again(&self) -> Result<(), ConfigError> {
        self.take(made_token::find_or_make(&self.0.visits_file)?);
        Ok(())
    }

    /// Ends every visit, by another secret.
    ///
    /// # Errors
    /// When the file cannot be written; the secret stays then.
    pub fn end_every_visit(&self) -> Result<(), ConfigError> {
        self.take(made_token::replace(&self.0.visits_file)?);
        Ok(())
    }

    fn take(&self, secret: ApiToken) {
        *self.0.visits.write().unwrap_or_else(PoisonError::into_inner) = secret;
    }

    /// What seals visits.
    #[must_use]
    pub fn of_visits(&self) -> ApiToken {
        self.0.visits.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What seals links.
    #[must_use]
    pub fn of_links(&self) -> &ApiToken {
        &self.0.links
    }
}

/// The secret of a file, or one in memory where the file cannot be written.
fn written_or_kept(file: &Path, written: Result<ApiToken, ConfigError>) -> Result<ApiToken, ConfigError> {
    match written {
        Err(error @ ConfigError::MakeToken { .. }) => {
            tracing::warn!("sign-ins at the page end with this service, and `open` makes no link for it: {error}");
            made_token::in_memory(file)
        }
        found => found,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn one_secret_outlives_the_service_and_the_other_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        assert!(PageSecrets::find(&data).unwrap().is_none());
        let texts = |secrets: &PageSecrets| {
            let [visits, links] = [&secrets.of_visits(), secrets.of_links()].map(|secret| secret.reveal().to_owned());
            (visits, links)
        };
        let first = PageSecrets::start(&data).unwrap();
        let found = PageSecrets::find(&data).unwrap().unwrap();
        assert_eq!(texts(&first), texts(&found));
        let second = PageSecrets::start(&data).unwrap();
        assert_eq!(texts(&first).0, texts(&second).0);
        assert_ne!(texts(&first).1, texts(&second).1);
        for file in [VISITS, LINKS] {
            let mode = fs::metadata(data.join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }

    #[test]
    fn where_nothing_can_be_written_the_secrets_are_those_of_the_service() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("file");
        fs::write(&data, "no folder").unwrap();
        // What cannot be opened because of its folder may be somebody else's.
        assert!(PageSecrets::start(&data).is_err());
        let full = Path::new("/proc/self");
        let secrets = PageSecrets::start(full).unwrap();
        assert_ne!(secrets.of_visits().reveal(), secrets.of_links().reveal());
        assert!(PageSecrets::find(full).unwrap().is_none());
    }

    #[test]
    fn without_its_file_or_on_demand_there_is_another_secret() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = PageSecrets::start(folder.path()).unwrap();
        let before = secrets.of_visits();
        secrets.read_again().unwrap();
        assert!(secrets.of_visits().matches(before.reveal().as_bytes()));
        fs::remove_file(folder.path().join(VISITS)).unwrap();
        secrets.read_again().unwrap();
        let after = secrets.of_visits();
        assert!(!after.matches(before.reveal().as_bytes()));
        secrets.end_every_visit().unwrap();
        assert!(!secrets.of_visits().matches(after.reveal().as_bytes()));
        fs::set_permissions(folder.path().join(VISITS), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(secrets.read_again().is_err());
    }
}

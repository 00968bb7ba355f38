//! The address of the model's server.

use session_plugin_api::{Error, Result};
use ureq::http::Uri;

/// The base address. The paths of a format are appended to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    url: String,
    host: String,
    reach: Reach,
}

/// Who can read the data sent to the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Encrypted,
    ThisMachine,
    InTheClear,
}

impl BaseUrl {
    /// Reads an address such as `https://api.example.com/v1`.
    ///
    /// # Errors
    /// When the text is not an address. The error does not contain the text, because it may hold a password.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let refused = |reason: &str| {
            Error::new(format!(
                "base_url {reason}; set it to an address such as https://api.example.com/v1"
            ))
        };
        let uri: Uri = text.parse().map_err(|_| refused("is not a URL"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(refused("has no scheme or no host"));
        };
        if authority.as_str().contains('@') {
            return Err(refused(
                "contains a user or a password, but keys belong in api_key_env or api_key_file",
            ));
        }
        if uri.query().is_some() {
            return Err(refused("has a query"));
        }
        let reach = match (scheme, authority.host()) {
            ("https", _) => Reach::Encrypted,
            ("http", "localhost" | "[::1]") => Reach::ThisMachine,
            ("http", host) if host.starts_with("127.") => Reach::ThisMachine,
            ("http", _) => Reach::InTheClear,
            _ => return Err(refused("is neither http nor https")),
        };
        Ok(Self {
            url: text.trim_end_matches('/').to_owned(),
            host: authority.to_string(),
            reach,
        })
    }

    /// The URL of a path that begins with `/`.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The host, with the port if there is one.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Whether the address is on this machine, which needs no proxy.
    pub(crate) fn is_this_machine(&self) -> bool {
        self.reach == Reach::ThisMachine
    }

    /// Whether others on the network cannot read a key that is sent there.
    pub(crate) fn keeps_secrets(&self) -> bool {
        self.reach != Reach::InTheClear
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_with_one_slash() {
        let base = BaseUrl::parse("https://api.example.com/v1/").unwrap();
        assert_eq!(base.join("/chat"), "https://api.example.com/v1/chat");
        assert_eq!(base.host(), "api.example.com");
        assert_eq!(
            BaseUrl::parse("http://localhost:8080").unwrap().host(),
            "localhost:8080"
        );
    }

    #[test]
    fn a_key_is_sent_only_where_nobody_reads_along() {
        for (url, keeps) in [
            ("https://api.example.com", true),
            ("http://127.0.0.1:8080/v1", true),
            ("http://[::1]:8080", true),
            ("http://localhost", true),
            ("http://models.internal:8080", false),
            ("http://localhost.example.com", false),
        ] {
            assert_eq!(BaseUrl::parse(url).unwrap().keeps_secrets(), keeps, "{url}");
        }
    }

    #[test]
    fn an_invalid_address_is_refused_without_being_shown() {
        for url in [
            "",
            "api.example.com",
            "ftp://example.com",
            "https://me:hunter2@example.com",
            "https://example.com/?key=hunter2",
            "http://",
        ] {
            let error = BaseUrl::parse(url).unwrap_err().to_string();
            assert!(error.starts_with("base_url ") && !error.contains("hunter2"), "{error}");
        }
    }
}

//! The page of a server, as a browser sees it, without a browser: cookies, forms, redirections.

use sha2::{Digest, Sha256};

use crate::service::{Answer, Service};

/// Somebody who looks at the page of a server.
#[derive(Clone, Debug, Default)]
pub struct Visit {
    cookie: String,
}

impl Visit {
    /// Signs in with the server's token.
    #[must_use]
    #[track_caller]
    pub fn of(service: &Service) -> Self {
        let token = service.token().expect("the server has a token");
        let answer = service.call_with("POST", "/sign-in", FORM, &format!("token={token}"));
        Self::let_in(&answer.is(303))
    }

    /// The visit that an answer begins.
    #[must_use]
    #[track_caller]
    pub fn let_in(answer: &Answer) -> Self {
        let cookie = answer.header("set-cookie").expect("a cookie");
        let (cookie, _) = cookie.split_once(';').expect("a cookie with attributes");
        Self {
            cookie: cookie.to_owned(),
        }
    }

    /// The header line that carries the visit.
    #[must_use]
    pub fn header(&self) -> String {
        format!("cookie: other=1; {}\r\n", self.cookie)
    }

    /// A page.
    #[must_use]
    #[track_caller]
    pub fn get(&self, service: &Service, target: &str) -> Answer {
        service.call_with("GET", target, &self.header(), "")
    }

    /// The secret that the forms of a page carry.
    #[must_use]
    #[track_caller]
    pub fn secret(&self, service: &Service) -> String {
        let page = self.get(service, "/").is(200).body;
        let (_, rest) = page
            .split_once(r#"name="secret" value=""#)
            .expect("a form with a secret");
        rest.split('"').next().expect("a value").to_owned()
    }

    /// Sends a form of a page.
    #[track_caller]
    pub fn act(&self, service: &Service, target: &str, fields: &str) -> Answer {
        let body = format!("secret={}&{fields}", self.secret(service));
        self.send(service, target, &body)
    }

    /// Sends a form with these fields alone.
    #[track_caller]
    pub fn send(&self, service: &Service, target: &str, body: &str) -> Answer {
        service.call_with("POST", target, &(self.header() + FORM), body)
    }
}

/// The header line of a form.
pub const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";

/// The part of the configuration that gives a token a name and a role.
#[must_use]
pub fn named_token(name: &str, token: &str, role: &str) -> String {
    let digest: String = Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("[[tokens]]\nname = \"{name}\"\nhash = \"sha256:{digest}\"\nrole = \"{role}\"\n")
}

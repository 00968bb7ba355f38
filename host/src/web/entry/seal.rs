//! Seals: short texts that only those can make who know the token and a secret of the page.
//!
//! The secret is in the key, so nobody can try likely tokens on a seal.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{
    config::{ApiToken, NamedToken},
    hex::hex,
};

/// What a seal is for. A seal for one purpose is none for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum Purpose {
    /// To sign in once.
    Link,
    /// To see the page.
    Visit,
    /// To act in it.
    Act,
    /// To tell the cookies of services apart: browsers send a cookie to every port of a machine.
    Name,
    /// To stand for the main token.
    Key,
    /// To stand for a named token.
    Holder,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Visit => "visit",
            Self::Act => "act",
            Self::Name => "name",
            Self::Key => "key",
            Self::Holder => "holder",
        }
    }
}

/// What seals. It follows from a secret and from a token, so another one of either makes it another one.
#[derive(Clone)]
pub(in crate::web) struct Key(String);

impl Key {
    /// That of the main token.
    pub(in crate::web) fn main(secret: &ApiToken, token: &ApiToken) -> Self {
        Self(seal(&Self(secret.reveal().to_owned()), Purpose::Key, token.reveal()))
    }

    /// That of a named token, of which the service knows only the digest.
    pub(in crate::web) fn named(main: &Self, named: &NamedToken) -> Self {
        Self(seal(main, Purpose::Holder, &named.identity()))
    }
}

/// The seal of a text.
pub(in crate::web) fn seal(key: &Key, purpose: Purpose, text: &str) -> String {
    sealing(key, purpose, text).map_or_else(String::new, |mac| hex(mac.finalize().into_bytes()))
}

/// Whether this is the seal of a text. The time that the comparison takes reveals nothing about it.
pub(in crate::web) fn is_seal(key: &Key, purpose: Purpose, text: &str, given: &str) -> bool {
    let made = seal(key, purpose, text);
    !made.is_empty() && bool::from(subtle::ConstantTimeEq::ct_eq(made.as_bytes(), given.as_bytes()))
}

/// A key of any length is one, so there always is a result.
fn sealing(key: &Key, purpose: Purpose, text: &str) -> Option<Hmac<Sha256>> {
    let mac = Hmac::<Sha256>::new_from_slice(key.0.as_bytes()).ok()?;
    Some(mac.chain_update(format!("session-host page {}\n{text}", purpose.as_str())))
}

//! Seals: short texts that only those can make who know the token.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{config::ApiToken, hex::hex};

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
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Visit => "visit",
            Self::Act => "act",
            Self::Name => "name",
        }
    }
}

/// The seal of a text.
pub(in crate::web) fn seal(token: &ApiToken, purpose: Purpose, text: &str) -> String {
    sealing(token, purpose, text).map_or_else(String::new, |mac| hex(mac.finalize().into_bytes()))
}

/// Whether this is the seal of a text. The time that the comparison takes reveals nothing about it.
pub(in crate::web) fn is_seal(token: &ApiToken, purpose: Purpose, text: &str, given: &str) -> bool {
    let made = seal(token, purpose, text);
    !made.is_empty() && bool::from(subtle::ConstantTimeEq::ct_eq(made.as_bytes(), given.as_bytes()))
}

/// A key of any length is one, so there always is a result.
fn sealing(token: &ApiToken, purpose: Purpose, text: &str) -> Option<Hmac<Sha256>> {
    let mac = Hmac::<Sha256>::new_from_slice(token.reveal().as_bytes()).ok()?;
    Some(mac.chain_update(format!("session-host page {}\n{text}", purpose.as_str())))
}

//! Who may see the page, and who may act in it.
//!
//! - A visitor signs in with the token, or with a link that whoever knows the token can make.
//! - A cookie carries the visit. The token signs it, so another token ends every visit, and a restart ends none.
//! - Every action carries a secret that only the pages of the visit contain.

pub(super) mod act;
pub(super) mod admin;
pub(super) mod link;
pub(super) mod notices;
pub(super) mod seal;
pub(super) mod signing;
pub(super) mod spent;
pub(super) mod throttle;
pub(super) mod ticket;
pub(super) mod visitor;

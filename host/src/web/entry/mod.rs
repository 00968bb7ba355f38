//! Who may see the page, and who may act in it.
//!
//! - A visitor signs in with the token, or with a link that whoever knows the token and the service's secrets can make.
//! - A cookie carries the visit. The token and a secret seal it, so another one of either ends every visit, and a restart ends
//!   none. A file keeps the visits that somebody has ended.
//! - Every action carries a secret that only the pages of the visit contain.

pub(super) mod act;
pub(super) mod admin;
pub(super) mod ended;
pub(super) mod link;
pub(super) mod notices;
pub(super) mod seal;
pub(super) mod signing;
pub(super) mod spent;
pub(super) mod throttle;
pub(super) mod ticket;
pub(super) mod visitor;

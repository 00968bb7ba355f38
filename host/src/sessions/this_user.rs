//! The user that this process belongs to.

use nix::unistd::{User, getuid};

/// The name of the user that this process belongs to; the number, if the system has no name for it.
#[must_use]
pub fn name_of_this_user() -> String {
    let user = getuid();
    match User::from_uid(user) {
        Ok(Some(User { name, .. })) => name,
        // A container may run under a number alone.
        Ok(None) | Err(_) => user.to_string(),
    }
}

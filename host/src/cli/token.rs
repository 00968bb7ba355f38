//! `session-host token`.

use super::{Exit, output};
use crate::config::Settings;

/// Prints the token of the admin interface.
pub(super) fn token(settings: &Settings) -> anyhow::Result<Exit> {
    output::print(settings.service.token.in_force()?.reveal())?;
    Ok(Exit::Done)
}

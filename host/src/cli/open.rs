//! `session-host open`.

use std::process::{Command, Stdio};

use super::{Exit, arguments::OpenOptions, output};
use crate::{
    config::{PageSecrets, Settings},
    web::sign_in_link,
};

/// The program that opens a link in the user's browser.
const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// Opens the page of the service in a browser, by a link that signs in once.
pub(super) fn open(settings: &Settings, options: &OpenOptions) -> anyhow::Result<Exit> {
    if settings.service.page.is_none() {
        return Err(output::UsageError("the service serves no page: `web` is false".to_owned()).into());
    }
    let token = settings.service.token.in_force()?;
    let Some(secrets) = PageSecrets::find(&settings.data)? else {
        let data = settings.data.display();
        anyhow::bail!(
            "no service has served a page with the data directory {data}: start it, or name another one with --data"
        );
    };
    let link = sign_in_link(settings.service.listen, &secrets, &token)?;
    output::print(&link)?;
    if !options.print && !opened(&link) {
        tracing::warn!("{OPENER} cannot open a browser here: open the link yourself, within ten minutes");
    }
    Ok(Exit::Done)
}

fn opened(link: &str) -> bool {
    let mut command = Command::new(OPENER);
    command.arg(link).stdin(Stdio::null()).stdout(Stdio::null());
    command
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

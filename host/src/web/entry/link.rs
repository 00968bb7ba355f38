//! Links that sign in once. Whoever knows the token and reads the service's secrets can make one, so the command line makes
//! them without the service.

use std::{net::SocketAddr, time::Duration};

use super::{
    seal::{Key, Purpose},
    ticket::Ticket,
};
use crate::{
    clock,
    config::{ApiToken, PageSecrets},
    http::own_address::reachable,
};

/// How long a link is good.
const LASTS: Duration = Duration::from_secs(600);

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
#[error("no random bytes are available for the link: {0}")]
pub struct LinkError(getrandom::Error);

/// A link to the page of the service at this address, which signs in once, within ten minutes.
///
/// # Errors
/// When the system has no random bytes.
pub fn sign_in_link(address: SocketAddr, secrets: &PageSecrets, token: &ApiToken) -> Result<String, LinkError> {
    let ticket = Ticket::new(clock::now(), LASTS).map_err(LinkError)?;
    let code = ticket.sealed(&Key::main(secrets.of_links(), token), Purpose::Link);
    Ok(format!("http://{}/sign-in?code={code}", reachable(address)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_this_machine_and_is_good_for_one_sign_in() {
        let token = ApiToken::for_tests("0123456789abcdef");
        let folder = tempfile::tempdir().unwrap();
        let secrets = PageSecrets::start(folder.path()).unwrap();
        let link = sign_in_link("0.0.0.0:7741".parse().unwrap(), &secrets, &token).unwrap();
        let code = link.strip_prefix("http://127.0.0.1:7741/sign-in?code=").unwrap();
        let is_good = |secrets: &PageSecrets, purpose| {
            let key = Key::main(secrets.of_links(), &token);
            Ticket::open(code, &key, purpose, clock::now()).is_some()
        };
        assert!(is_good(&secrets, Purpose::Link) && !is_good(&secrets, Purpose::Visit));
        let restarted = PageSecrets::start(folder.path()).unwrap();
        assert!(!is_good(&restarted, Purpose::Link), "the service has started again");
    }
}

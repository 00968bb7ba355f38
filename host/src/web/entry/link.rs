//! Links that sign in once. Whoever knows the token can make one, so the command line makes them without the service.

use std::{net::SocketAddr, time::Duration};

use super::{
    seal::{Key, Purpose},
    ticket::Ticket,
};
use crate::{clock, config::ApiToken, http::own_address::reachable};

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
pub fn sign_in_link(address: SocketAddr, token: &ApiToken) -> Result<String, LinkError> {
    let ticket = Ticket::new(clock::now(), LASTS).map_err(LinkError)?;
    let code = ticket.sealed(&Key::main(token), Purpose::Link);
    Ok(format!("http://{}/sign-in?code={code}", reachable(address)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_this_machine_and_is_good_for_one_sign_in() {
        let token = ApiToken::for_tests("0123456789abcdef");
        let link = sign_in_link("0.0.0.0:7741".parse().unwrap(), &token).unwrap();
        let code = link.strip_prefix("http://127.0.0.1:7741/sign-in?code=").unwrap();
        assert!(Ticket::open(code, &Key::main(&token), Purpose::Link, clock::now()).is_some());
        assert!(Ticket::open(code, &Key::main(&token), Purpose::Visit, clock::now()).is_none());
    }
}

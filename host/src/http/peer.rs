//! Who sent a request.

use std::net::{IpAddr, Ipv6Addr};

/// The address that a request came from, among its extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The unit by which clients are counted: an address, or the IPv6 network of one subscriber.
pub(crate) fn network_of(peer: IpAddr) -> IpAddr {
    /// The part of an address that identifies the network of one subscriber.
    const NETWORK: u128 = !0 << 64;
    match peer.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_subscriber_are_one_network() {
        let network = |address: &str| network_of(address.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8::1:2:3:4"), network("2001:db8::9"));
        assert_ne!(network("2001:db8:0:1::1"), network("2001:db8:0:2::1"));
        assert_eq!(network("::ffff:10.0.0.1"), "10.0.0.1");
        assert_eq!(network("::1"), "::1");
    }
}

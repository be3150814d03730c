//! Who sends a request.

use std::net::{IpAddr, Ipv6Addr};

use http::HeaderMap;

use super::Network;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// A client, as far as limits go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Client(IpAddr);

impl Client {
    pub(super) fn new(address: IpAddr) -> Self {
        match address.to_canonical() {
            // One customer has a /64 at least, and could use an address a request.
            IpAddr::V6(address) => {
                let network = address.to_bits() & !u128::from(u64::MAX);
                Self(Ipv6Addr::from_bits(network).into())
            }
            v4 => Self(v4),
        }
    }
}

/// The address behind `peer`: the last one in `X-Forwarded-For` that is no proxy of ours, if the
/// peer itself is one. Whatever stands further to the left, the client may have invented.
pub(super) fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    if trusted.is_empty() {
        return client;
    }
    let values = headers.get_all(FORWARDED_FOR).iter().rev();
    let hops = values.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
    for hop in hops {
        if !is_trusted(client) {
            break;
        }
        // A proxy that writes no address is the last that we know of.
        let Some(next) = parse(hop.trim()) else { break };
        client = next;
    }
    client
}

/// An address, which some proxies write with its port.
fn parse(text: &str) -> Option<IpAddr> {
    let bracketed = text
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .map(|(address, _)| address);
    let address = bracketed.unwrap_or(text).parse().ok().or_else(|| {
        let (address, _port) = text.rsplit_once(':')?;
        address.parse().ok()
    })?;
    Some(IpAddr::to_canonical(&address))
}

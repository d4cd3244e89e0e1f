//! Which addresses are this machine's or a private network's, and which a result link may lead to.
//!
//! Links come from the provider's answers, so they are untrusted: a link into the user's own network must not be
//! fetched, and a name must not be allowed to resolve into it either.

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Resolves names like the system does, and leaves out every address of a private network.
pub struct PublicNames;

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0))
                .await?
                .filter(|address| !private(address.ip()))
                .collect();
            if found.is_empty() {
                return Err("the name leads to no public address".into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Ends of names that only private networks have.
const PRIVATE_NAMES: [&str; 6] =
    ["localhost", "local", "internal", "lan", "home.arpa", "localdomain"];

/// True where the host of an address is, by its own text, this machine or a private network. So is a name of one
/// word: no public host has such a name.
pub fn is_private(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return true };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => private(address),
        Err(_) => {
            let name = bare.trim_end_matches('.').to_ascii_lowercase();
            let ends_so =
                |end: &str| name.strip_suffix(end).is_some_and(|rest| rest.ends_with('.'));
            !name.contains('.') || PRIVATE_NAMES.iter().any(|end| ends_so(end))
        }
    }
}

/// The host and port behind an address, the same for every way to write it; the text itself where it is no address.
pub fn server(base: &str) -> String {
    let text = base.trim();
    match Url::parse(text) {
        Ok(url) => {
            let host =
                url.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
            format!("{host}:{}", url.port_or_known_default().unwrap_or(0))
        }
        Err(_) => text.to_owned(),
    }
}

fn private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => private_v4(address),
        IpAddr::V6(address) => private_v6(address),
    }
}

/// Networks that are no part of the public internet (IANA's special-purpose registry), as first address and length of
/// their common beginning.
const PRIVATE_V4: [([u8; 4], u32); 15] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    // Behind a carrier's translation.
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    // Documentation, three times.
    ([192, 0, 2, 0], 24),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    // The nearest relay of 6to4, which leads into any network.
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    // Measuring of devices.
    ([198, 18, 0, 0], 15),
    // To many at once, and reserved, with the address of everybody at its end.
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

fn private_v4(address: Ipv4Addr) -> bool {
    let bits = u32::from(address);
    PRIVATE_V4
        .iter()
        .any(|(first, length)| (bits ^ u32::from_be_bytes(*first)).leading_zeros() >= *length)
}

/// The public part of IPv6 is 2000::/3. Parts of it, and of what lies before it, carry IPv4 addresses or are special.
fn private_v6(address: Ipv6Addr) -> bool {
    let s = address.segments();
    let inner = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        private_v4(Ipv4Addr::new(a, b, c, d))
    };
    match s {
        // IPv4-mapped.
        [0, 0, 0, 0, 0, 0xffff, high, low] => inner(high, low),
        // Translated to IPv4 by the network.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => inner(high, low),
        // 6to4.
        [0x2002, high, low, ..] => inner(high, low),
        // Protocol assignments with Teredo, and documentation.
        [0x2001, second, ..] => second < 0x200 || second == 0xdb8,
        [0x3fff, second, ..] => second < 0x1000,
        // Everything else outside of 2000::/3: this machine, IPv4-compatible, local translation (64:ff9b:1::/48),
        // unique local, link-local, site-local, multicast.
        [first, ..] => first & 0xe000 != 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_private_text(text: &str) -> bool {
        let url = Url::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        is_private(&url)
    }

    #[test]
    fn private_networks_are_known_in_every_spelling() {
        for host in [
            "127.0.0.1",
            "127.1",
            "0177.0.0.1",
            "0x7f.1",
            "0x7f000001",
            "2130706433",
            "127.0.0.1.",
            "%31%32%37.0.0.1",
            "１２７.0.0.1",
            "①②⑦.0.0.1",
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "ｌocalhost",
            "printer",
            "printer.local",
            "nas.lan",
            "metadata.google.internal",
            "router.home.arpa",
            "host.localdomain",
            "0.0.0.0",
            "0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "169.254.169.254",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "[::]",
            "[::1]",
            "[::127.0.0.1]",
            "[::8.8.8.8]",
            "[::ffff:10.0.0.1]",
            "[::ffff:7f00:1]",
            "[::ffff:0:127.0.0.1]",
            "[64:ff9b::127.0.0.1]",
            "[64:ff9b::a9fe:a9fe]",
            "[64:ff9b:1::8.8.8.8]",
            "[100::1]",
            "[2001::1]",
            "[2001:1ff::1]",
            "[2001:db8::1]",
            "[2002:7f00:1::]",
            "[2002:a00:1::1]",
            "[3fff::1]",
            "[3fff:fff::1]",
            "[5f00::1]",
            "[fc00::1]",
            "[fd12:3456::1]",
            "[fe80::1]",
            "[fec0::1]",
            "[ff02::1]",
        ] {
            assert!(is_private_text(&format!("http://{host}/x")), "{host}");
            assert!(is_private_text(&format!("https://{host}:8443/x")), "{host}");
        }
        assert!(is_private_text("data:text/plain,x"), "no host");
        for zone in ["http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/"] {
            assert!(Url::parse(zone).is_err(), "{zone}");
        }
    }

    #[test]
    fn public_hosts_are_not_private() {
        for host in [
            "tempfile.aiquickdraw.com",
            "localhost.example.com",
            "local.example",
            "xlocalhost.example",
            "mylocal.io",
            "1.0.0.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.1",
            "192.0.3.1",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "203.0.112.255",
            "223.255.255.255",
            "[::ffff:8.8.8.8]",
            "[64:ff9b::8.8.8.8]",
            "[2001:200::1]",
            "[2001:4860:4860::8888]",
            "[2002:808:808::1]",
            "[2606:4700::1]",
            "[3fff:1000::1]",
        ] {
            assert!(!is_private_text(&format!("https://{host}/x")), "{host}");
        }
    }

    #[test]
    fn a_server_is_one_however_it_is_written() {
        assert_eq!(server("https://api.kie.ai"), "api.kie.ai:443");
        assert_eq!(server(" HTTPS://API.kie.ai.:443/v1/ "), "api.kie.ai:443");
        assert_eq!(server("http://127.1:80"), "127.0.0.1:80");
        assert_eq!(server("no address"), "no address");
    }
}

//! Which addresses a result link may lead to.
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

/// True where the host of an address is, by its own text, this machine or a private network.
pub fn is_private(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return true };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => private(address),
        Err(_) => {
            let name = bare.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

fn private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => private_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(inner) => private_v4(inner),
            None => private_v6(address),
        },
    }
}

fn private_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_unspecified()
        || address.is_broadcast()
        || address.is_multicast()
        // Addresses behind a carrier's translation, 100.64.0.0/10.
        || (first == 100 && (64..128).contains(&second))
        || first == 0
}

fn private_v6(address: Ipv6Addr) -> bool {
    let first = address.segments()[0];
    address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || (first & 0xfe00) == 0xfc00
        || (first & 0xffc0) == 0xfe80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_networks_are_known_in_every_spelling() {
        for text in [
            "http://127.0.0.1/x",
            "http://localhost:9/x",
            "http://a.localhost/x",
            "http://10.1.2.3/",
            "http://192.168.0.1/",
            "http://172.16.9.9/",
            "http://169.254.169.254/latest/meta-data",
            "http://100.64.0.1/",
            "http://0.0.0.0/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::1]/",
            "http://[fe80::1]/",
            "http://[fd00::1]/",
            "http://[::ffff:10.0.0.1]/",
        ] {
            let url = Url::parse(text).unwrap();
            assert!(is_private(&url), "{text} as {url}");
        }
        for text in [
            "https://tempfile.aiquickdraw.com/v/x.mp4",
            "https://8.8.8.8/",
            "https://[2606:4700::1]/",
        ] {
            assert!(!is_private(&Url::parse(text).unwrap()), "{text}");
        }
    }
}

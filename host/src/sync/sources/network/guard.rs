//! Bounds on where a source's requests may be led: by redirects and by names that resolve to something else. A source at a
//! public address stays among public ones; one at an internal address may also go to addresses of its own class.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

use super::reach::Reach;

/// Variables that name proxies; the names of their hosts are resolved without bounds.
const PROXIES: [&str; 6] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// The bounds of one source during one pass.
#[derive(Debug, Clone)]
pub(crate) struct Guard(Arc<Bounds>);

#[derive(Debug)]
struct Bounds {
    /// The host that the operator has named.
    host: String,
    proxies: Vec<String>,
    /// Classes of that host's addresses, once they are known.
    own: OnceLock<Vec<Reach>>,
}

/// A request that leads to where the source may not go.
#[derive(Debug)]
pub(crate) struct Refused {
    host: String,
    reach: Reach,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a redirect or a name leads to `{}`, which is a {} address; a source may go from its configured address to \
             public ones and to those of its own kind only: configure the final address itself, if it is meant",
            self.host,
            self.reach.word()
        )
    }
}

impl std::error::Error for Refused {}

impl Guard {
    /// Bounds for a source at that address.
    pub(crate) fn new(url: &Url) -> Self {
        let own = OnceLock::new();
        if let Some(address) = literal(url) {
            // The cell is new.
            let _ = own.set(vec![Reach::of(address)]);
        }
        let named = PROXIES
            .iter()
            .filter_map(|variable| std::env::var(variable).ok());
        Self(Arc::new(Bounds {
            host: plain(url.host_str().unwrap_or_default()),
            proxies: named.filter_map(|proxy| proxy_host(&proxy)).collect(),
            own,
        }))
    }

    /// Refuses an address that is written as a number. Names are checked when they are resolved.
    pub(crate) fn check(&self, url: &Url) -> Result<(), Refused> {
        match literal(url) {
            Some(address) if !self.allows(Reach::of(address)) => Err(Refused {
                host: address.to_string(),
                reach: Reach::of(address),
            }),
            _ => Ok(()),
        }
    }

    fn allows(&self, reach: Reach) -> bool {
        let own = self.0.own.get();
        reach == Reach::Public || own.is_some_and(|own| own.contains(&reach))
    }

    /// The addresses of a name that may be connected to.
    fn admit(&self, name: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Refused> {
        let name = plain(name);
        if self.0.proxies.contains(&name) && name != self.0.host {
            return Ok(found);
        }
        let classes = || found.iter().map(|address| Reach::of(address.ip()));
        if name == self.0.host {
            self.0.own.get_or_init(|| classes().collect());
        }
        let allowed: Vec<SocketAddr> = found
            .iter()
            .filter(|address| self.allows(Reach::of(address.ip())))
            .copied()
            .collect();
        match (allowed.is_empty(), classes().next()) {
            (true, Some(reach)) => Err(Refused { host: name, reach }),
            _ => Ok(allowed),
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed = guard.admit(name.as_str(), found)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// The address that a URL has in place of a name.
fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_matches(['[', ']']).parse().ok()
}

fn proxy_host(proxy: &str) -> Option<String> {
    let url = Url::parse(proxy)
        .ok()
        .filter(Url::has_host)
        .or_else(|| Url::parse(&format!("http://{proxy}")).ok())?;
    url.host_str().map(plain)
}

/// A host name as it is compared.
fn plain(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::{Guard, Url};

    fn guard(url: &str) -> Guard {
        Guard::new(&Url::parse(url).expect(url))
    }

    fn addresses(list: &str) -> Vec<SocketAddr> {
        list.split(' ')
            .map(|ip| SocketAddr::new(ip.parse().expect(ip), 0))
            .collect()
    }

    #[test]
    fn literals_of_another_class_are_refused() {
        for (source, target, allowed) in [
            ("https://8.8.8.8/", "http://127.0.0.1/", false),
            ("https://8.8.8.8/", "http://169.254.169.254/", false),
            ("https://8.8.8.8/", "http://[::ffff:10.0.0.1]/", false),
            ("https://8.8.8.8/", "http://0x7f.1/", false),
            ("https://8.8.8.8/", "http://2130706433/", false),
            ("https://8.8.8.8/", "http://1.1.1.1/", true),
            ("http://127.0.0.1:1/", "http://[::1]:2/", true),
            ("http://127.0.0.1:1/", "http://10.0.0.1/", false),
            ("http://10.0.0.1/", "http://192.168.0.1/", true),
            ("http://10.0.0.1/", "http://169.254.169.254/", false),
            ("http://10.0.0.1/", "http://8.8.8.8/", true),
        ] {
            let target = Url::parse(target).expect(target);
            let found = guard(source).check(&target);
            assert_eq!(found.is_ok(), allowed, "{source} -> {target}: {found:?}");
        }
    }

    #[test]
    fn names_are_bound_to_the_classes_of_the_configured_one() {
        for (own, other, admitted) in [
            ("8.8.8.8", "127.0.0.1", None),
            ("8.8.8.8", "10.0.0.1 1.1.1.1", Some("1.1.1.1")),
            ("10.0.0.1", "192.168.0.1", Some("192.168.0.1")),
            ("10.0.0.1 8.8.8.8", "127.0.0.1", None),
            ("127.0.0.1", "127.0.0.2", Some("127.0.0.2")),
        ] {
            let guard = guard("https://Registry.Example./x");
            let first = guard.admit("registry.example", addresses(own));
            assert_eq!(first.expect(own), addresses(own));
            let found = guard.admit("other.example", addresses(other)).ok();
            assert_eq!(found, admitted.map(addresses), "{own} -> {other}");
        }
    }

    #[test]
    fn a_name_that_moves_to_another_class_is_refused() {
        let guard = guard("https://registry.example/");
        assert!(
            guard
                .admit("registry.example", addresses("8.8.8.8"))
                .is_ok()
        );
        let moved = guard.admit("registry.example", addresses("127.0.0.1"));
        let message = moved.expect_err("refused").to_string();
        assert!(message.contains("`registry.example`"), "{message}");
        assert!(message.contains("a loopback address"), "{message}");
    }
}

//! A client as a proxy in front reports it: its address, and the address under which it reached the proxy. Only the word of
//! trusted proxies is taken.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::config::model::Networks;

/// Tells the component the address of this registry as the client has it. The component checks its form.
const ORIGIN: HeaderName = HeaderName::from_static("cairn-origin");

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// A client, and whether it came through a trusted proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) address: IpAddr,
    pub(super) through_trusted: bool,
}

impl Client {
    /// The last address in `X-Forwarded-For` that is no trusted proxy's: what stands before it the client may have written.
    pub(super) fn of(headers: &HeaderMap, peer: IpAddr, trusted: &Networks) -> Self {
        let through_trusted = trusted.contains(peer);
        let mut address = peer;
        if through_trusted && headers.contains_key(FOR) {
            for hop in hops(headers) {
                let Some(hop) = hop else { break };
                address = hop;
                if !trusted.contains(hop) {
                    break;
                }
            }
        }
        Self {
            address,
            through_trusted,
        }
    }

    /// Replaces what the proxy says by what the component reads. A client's own word for it is taken away.
    pub(super) fn tell_origin(self, headers: &mut HeaderMap) {
        headers.remove(ORIGIN);
        if !self.through_trusted {
            return;
        }
        if let Some(origin) = origin(headers) {
            for name in [PROTO, HOST, PREFIX, header::FORWARDED] {
                headers.remove(name);
            }
            headers.insert(ORIGIN, origin);
        }
    }
}

/// Addresses from the nearest to the farthest; `None` for what is no address.
fn hops(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let lines = headers.get_all(FOR).iter().rev();
    lines
        .flat_map(|line| line.to_str().unwrap_or("?").rsplit(','))
        .map(|hop| address(hop.trim()))
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let with_port = || text.parse().map(|address: SocketAddr| address.ip());
    let address = bare.parse().or_else(|_| with_port()).ok()?;
    Some(address.to_canonical())
}

/// Scheme, authority and prefix as the proxy has them; `None` when it says nothing.
fn origin(headers: &HeaderMap) -> Option<HeaderValue> {
    let (proto, host, prefix) = (
        first(headers, &PROTO),
        first(headers, &HOST),
        first(headers, &PREFIX),
    );
    if proto.is_none() && host.is_none() && prefix.is_none() {
        return None;
    }
    let proto = proto.unwrap_or("http").to_ascii_lowercase();
    let host = host.or_else(|| headers.get(header::HOST)?.to_str().ok())?;
    let prefix = prefix.unwrap_or_default().trim_matches('/');
    let slash = if prefix.is_empty() { "" } else { "/" };
    HeaderValue::try_from(format!("{proto}://{host}{slash}{prefix}")).ok()
}

/// The first of several values is that of the proxy next to the client.
fn first<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?;
    let first = value.split(',').next().unwrap_or_default().trim();
    (!first.is_empty()).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, value.parse().expect(value));
        }
        headers
    }

    #[test]
    fn the_client_is_the_last_address_that_no_trusted_proxy_has() {
        let trusted: Networks = "10.0.0.0/8, ::1".parse().expect("networks");
        for (peer, lines, expected) in [
            ("192.0.2.1", &["198.51.100.9"][..], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.9"], "198.51.100.9"),
            (
                "10.0.0.1",
                &["1.1.1.1, 198.51.100.9, 10.0.0.2"],
                "198.51.100.9",
            ),
            (
                "10.0.0.1",
                &["1.1.1.1", "198.51.100.9,10.0.0.2"],
                "198.51.100.9",
            ),
            ("10.0.0.1", &["198.51.100.9:4711"], "198.51.100.9"),
            ("10.0.0.1", &["[2001:db8::7]:4711"], "2001:db8::7"),
            ("10.0.0.1", &["2001:db8::7"], "2001:db8::7"),
            ("::1", &["::ffff:198.51.100.9"], "198.51.100.9"),
            ("10.0.0.1", &["198.51.100.9, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &[""], "10.0.0.1"),
        ] {
            let fields: Vec<_> = lines.iter().map(|line| (FOR, *line)).collect();
            let client = Client::of(&headers(&fields), peer.parse().expect(peer), &trusted);
            assert_eq!(client.address.to_string(), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn only_a_trusted_proxy_names_the_address_of_the_registry() {
        let told = |trusted: bool, fields: &[(HeaderName, &str)]| {
            let mut headers = headers(fields);
            let client = Client {
                address: IpAddr::from([10, 0, 0, 1]),
                through_trusted: trusted,
            };
            client.tell_origin(&mut headers);
            let origin = headers
                .get(ORIGIN)
                .map(|value| value.to_str().expect("text").to_owned());
            (origin, headers.contains_key(PROTO))
        };
        let at = |origin: &str, kept| (Some(origin.to_owned()), kept);
        let host = (header::HOST, "registry.example.com");
        let secure = (PROTO, "https");
        assert_eq!(
            told(true, &[host.clone(), secure.clone()]),
            at("https://registry.example.com", false)
        );
        assert_eq!(
            told(true, &[host.clone(), secure.clone(), (PREFIX, "/mcp/")]),
            at("https://registry.example.com/mcp", false)
        );
        assert_eq!(
            told(
                true,
                &[
                    host.clone(),
                    (HOST, "a.example, b.example"),
                    (PROTO, "https, http")
                ]
            ),
            at("https://a.example", false)
        );
        assert_eq!(told(true, std::slice::from_ref(&host)), (None, false));
        assert_eq!(told(false, &[host.clone(), secure]), (None, true));
        assert_eq!(
            told(false, &[host, (ORIGIN, "https://evil.example")]),
            (None, false)
        );
    }
}

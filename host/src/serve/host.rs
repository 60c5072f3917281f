//! The `Host` of a request. A request with none, or with two, may mean one thing to a proxy and another one here.

use http::{Request, Version, header, uri::Authority};

/// Refuses what RFC 9112 section 3.2 has refused; the reason is for the client.
pub(super) fn check<B>(request: &Request<B>) -> Result<(), &'static str> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (_, Some(_)) => return Err("there is more than one Host: send one"),
        (None, None) if request.version() == Version::HTTP_11 => {
            return Err("there is no Host: HTTP/1.1 has one in every request");
        }
        (None, None) => return Ok(()),
        (Some(host), None) => host,
    };
    // Empty is right for a target without an authority.
    let readable = host.is_empty()
        || Authority::try_from(host.as_bytes()).is_ok_and(|host| !host.as_str().contains('@'));
    readable
        .then_some(())
        .ok_or("Host is neither a name nor an address: send host or host:port")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_1_1_has_one_host() {
        for (version, hosts, accepted) in [
            (Version::HTTP_11, &["registry.example.com"][..], true),
            (Version::HTTP_11, &["[::1]:8080"], true),
            (Version::HTTP_11, &[""], true),
            (Version::HTTP_11, &[], false),
            (Version::HTTP_11, &["a", "a"], false),
            (Version::HTTP_11, &["a b"], false),
            (Version::HTTP_11, &["user@a"], false),
            (Version::HTTP_10, &[], true),
            (Version::HTTP_10, &["a", "b"], false),
            (Version::HTTP_2, &[], true),
            (Version::HTTP_2, &["a"], true),
            (Version::HTTP_2, &["a", "b"], false),
        ] {
            let mut request = Request::builder().version(version).body(()).unwrap();
            for host in hosts {
                let host = host.parse().unwrap();
                request.headers_mut().append(header::HOST, host);
            }
            assert_eq!(check(&request).is_ok(), accepted, "{version:?} {hosts:?}");
        }
    }
}

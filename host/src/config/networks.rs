//! Networks of addresses, as `server.trustedProxies` lists them.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;

/// The word for no network at all.
const NONE: &str = "none";

/// A list of networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Returns true if one of them has this address. One of IPv4 is the same in the notation of IPv6.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Adds one network or address.
    pub(super) fn add(&mut self, text: &str) -> Result<(), String> {
        self.0.push(network(text)?);
        Ok(())
    }
}

/// Networks and addresses separated by commas, or `none`.
impl FromStr for Networks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().eq_ignore_ascii_case(NONE) {
            return Ok(Self::default());
        }
        let items = text.split(',').map(|item| network(item.trim()));
        items.collect::<Result<_, _>>().map(Self)
    }
}

/// As it is parsed.
impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(NONE);
        }
        let texts: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&texts.join(", "))
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let address = || {
        text.parse()
            .map(|address: IpAddr| IpNet::from(address.to_canonical()))
    };
    text.parse().or_else(|_| address()).map_err(|_| {
        format!("`{text}` is neither an address nor a network; write one as 10.0.0.0/8, fd00::/8 or 192.0.2.7")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_their_networks() {
        let networks = Networks::from_str("127.0.0.0/8, ::1, 10.1.2.3,fd00::/8").expect("networks");
        for (address, expected) in [
            ("127.8.8.8", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.1.2.3", true),
            ("10.1.2.4", false),
            ("fd12::1", true),
            ("2001:db8::1", false),
        ] {
            let address: IpAddr = address.parse().expect(address);
            assert_eq!(networks.contains(address), expected, "{address}");
        }
        assert_eq!(Networks::from_str(&networks.to_string()), Ok(networks));
        assert_eq!(Networks::from_str("none"), Ok(Networks::default()));
        assert_eq!(Networks::default().to_string(), "none");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "10.0.0.0/33", "proxy.example", "10.0.0.0/8,", "*"] {
            let message = Networks::from_str(text).expect_err(text);
            assert!(message.contains("10.0.0.0/8"), "{message}");
        }
    }
}

//! Classes of IP addresses: from where an address can be reached. It resolves nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// From where an address can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Public,
    /// Networks of an organisation or a provider: RFC 1918, RFC 6598, RFC 4193.
    Private,
    /// This machine.
    Loopback,
    /// The same link, and the metadata services of clouds.
    LinkLocal,
    /// Multicast, documentation, reserved.
    Special,
}

impl Reach {
    pub(super) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => v4(address),
            IpAddr::V6(address) => embedded(address).map_or_else(|| v6(address), v4),
        }
    }

    /// As in "is a … address".
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::Special => "reserved",
        }
    }
}

fn v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        [0 | 127, ..] => Reach::Loopback,
        // The second is Azure's service for virtual machines, the third Alibaba's.
        [169, 254, ..] | [168, 63, 129, 16] | [100, 100, 100, 200] => Reach::LinkLocal,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Reach::Private,
        [192, 0, 0 | 2, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => {
            Reach::Special
        }
        [224..=255, ..] => Reach::Special,
        _ => Reach::Public,
    }
}

fn v6(address: Ipv6Addr) -> Reach {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Reach::Loopback,
        // The metadata service of AWS.
        [0xFD00, 0x0EC2, 0, 0, 0, 0, 0, 0x0254] => Reach::LinkLocal,
        [0xFE80..=0xFEBF, ..] => Reach::LinkLocal,
        [0xFC00..=0xFDFF | 0xFEC0..=0xFEFF, ..] => Reach::Private,
        [0x2001, 0 | 0x0DB8, ..] | [0x0100, 0, 0, 0, ..] | [0xFF00..=0xFFFF, ..] => Reach::Special,
        _ => Reach::Public,
    }
}

/// The IPv4 address that an IPv6 one leads to: mapped, compatible, NAT64, 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0 | 0xFFFF, 0 | 0xFFFF, high, low]
        | [0x0064, 0xFF9B, 0 | 1, .., high, low]
        | [0x2002, high, low, ..] => Some(from(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Reach;

    #[test]
    fn addresses_have_a_class_whatever_form_they_are_in() {
        for (addresses, class) in [
            (
                "8.8.8.8 140.82.121.3 2606:4700::1111 64:ff9b::808:808",
                Reach::Public,
            ),
            (
                "127.0.0.1 127.9.9.9 0.0.0.0 ::1 :: ::ffff:127.0.0.1 ::127.0.0.1 2002:7f00:1::",
                Reach::Loopback,
            ),
            (
                "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 fd00::1 fc00::1 ::ffff:10.0.0.1 64:ff9b::a00:1",
                Reach::Private,
            ),
            (
                "169.254.169.254 169.254.0.1 fe80::1 fd00:ec2::254 168.63.129.16 100.100.100.200 ::ffff:169.254.169.254",
                Reach::LinkLocal,
            ),
            (
                "224.0.0.1 255.255.255.255 192.0.2.1 198.18.0.1 ff02::1 2001:db8::1",
                Reach::Special,
            ),
            (
                "172.15.0.1 172.32.0.1 100.63.0.1 100.128.0.1 192.1.0.1",
                Reach::Public,
            ),
        ] {
            for address in addresses.split(' ') {
                let parsed = address.parse().expect(address);
                assert_eq!(Reach::of(parsed), class, "{address}");
            }
        }
    }
}

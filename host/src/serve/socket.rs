//! Listening sockets. One on every interface takes IPv4 and IPv6, as far as the machine has both.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use anyhow::{Context, Result};
use rustix::{io::Errno, net::sockopt::set_ipv6_v6only};
use tokio::net::{TcpListener, TcpSocket};

/// Connections that the system completes before they are accepted.
const BACKLOG: u32 = 1024;

pub(super) fn bind(address: SocketAddr) -> Result<TcpListener> {
    let listener = match listen(address) {
        Err(error) if address.ip().is_unspecified() && lacks_family(&error) => {
            tracing::info!(%address, "the machine has no IPv6: only IPv4 is listened on");
            listen(SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port())))
        }
        listener => listener,
    };
    listener.with_context(|| format!("cannot listen on {address}"))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        set_ipv6_v6only(&socket, false)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn lacks_family(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(code, Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv6Addr, TcpStream};

    use super::*;

    #[tokio::test]
    async fn every_interface_means_both_families() {
        let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
        let listener = bind(any).expect("a socket");
        let bound = listener.local_addr().expect("an address");
        TcpStream::connect((Ipv4Addr::LOCALHOST, bound.port())).expect("IPv4");
        if bound.is_ipv6() {
            TcpStream::connect((Ipv6Addr::LOCALHOST, bound.port())).expect("IPv6");
        }
    }
}

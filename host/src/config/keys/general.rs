//! Names, addresses and directories.

use crate::config::{
    check,
    key::{Derived, Key, Nothing, Text},
    model::Config,
    slot::Slot,
};

pub(super) const GENERAL: &[Key<Config>] = &[
    Key::new(
        "registryName",
        Derived("the first registry; in the older form `default`"),
        |c: &mut Config| Slot::Text(&mut c.name, check::NAME),
        "Name of the default registry, which the root bases serve.",
    )
    .also(&["THV_REGISTRY_REGISTRYNAME"]),
    Key::new(
        "address",
        Derived("`127.0.0.1:8080`; with `auth.mode: anonymous` `:8080`"),
        |c: &mut Config| Slot::Address(&mut c.address),
        "Public listener: registry API, documents, pages. `:8080` and `[::]:8080` mean every interface, for IPv4 and IPv6; `0.0.0.0:8080` is IPv4 alone.",
    )
    .also(&["THV_REGISTRY_ADDRESS"]),
    Key::new(
        "internalAddress",
        Derived("`127.0.0.1:8081`; with `auth.mode: anonymous` `:8081`"),
        |c: &mut Config| Slot::Address(&mut c.internal_address),
        "Internal listener: probes, version, metrics. Never to be reached from outside.",
    )
    .also(&["THV_REGISTRY_INTERNAL_ADDRESS"]),
    Key::new(
        "server.trustedProxies",
        Text("none"),
        |c: &mut Config| Slot::Networks(&mut c.trusted_proxies),
        "Proxies in front: their `X-Forwarded-For` is the client's address in the log, their `X-Forwarded-Proto`, `-Host` and `-Prefix` are the address that the page `/` shows. `none` trusts no proxy.",
    ),
    Key::new(
        "dataDir",
        Derived("`$XDG_DATA_HOME/cairn`, else `~/.local/share/cairn`, else `./.cairn`"),
        |c| Slot::Path(&mut c.data_dir, check::PATH),
        "Directory for everything without a path of its own; made at start.",
    ),
    Key::new(
        "auth.mode",
        Nothing("none: loopback only"),
        |c: &mut Config| Slot::Choice(&mut c.auth),
        "Who may call. Without it both listeners must be loopback addresses.",
    )
    .also(&["THV_REGISTRY_AUTH_MODE"]),
];

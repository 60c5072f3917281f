//! Keys of `limits` and `cache`.

use std::time::Duration;

use crate::config::{
    key::{Key, Text},
    model::Config,
    slot::Slot,
    units::{GIB, HOUR, KIB, MIB, MILLISECOND, YEAR},
};

pub(super) const LIMITS: &[Key<Config>] = &[
    Key::new(
        "limits.connections",
        Text("4096"),
        |c| Slot::Count(&mut c.limits.connections, 1..=1_000_000),
        "Connections at once.",
    ),
    Key::new(
        "limits.requests",
        Text("1024"),
        |c| Slot::Count(&mut c.limits.requests, 1..=1_000_000),
        "Requests at once; above it the answer is 503 with Retry-After.",
    ),
    Key::new(
        "limits.headerSize",
        Text("32KiB"),
        |c| Slot::Size(&mut c.limits.header_size, KIB..=MIB),
        "Request line and header fields.",
    ),
    Key::new(
        "limits.bodySize",
        Text("1MiB"),
        |c| Slot::Size(&mut c.limits.body_size, KIB..=GIB),
        "Request body; above it the answer is 413.",
    ),
    Key::new(
        "limits.headerTimeout",
        Text("10s"),
        |c| Slot::Time(&mut c.limits.header_timeout, MILLISECOND..=HOUR),
        "From the first byte of a request to the end of its header.",
    ),
    Key::new(
        "limits.idleTimeout",
        Text("75s"),
        |c| Slot::Time(&mut c.limits.idle_timeout, MILLISECOND..=HOUR),
        "Between two requests of a connection. It has to be longer than that of a proxy in front, which otherwise sends into a closing connection.",
    ),
    Key::new(
        "limits.requestTimeout",
        Text("10s"),
        |c| Slot::Time(&mut c.limits.request_timeout, MILLISECOND..=HOUR),
        "From the end of the header to the response.",
    ),
    Key::new(
        "limits.drainTimeout",
        Text("30s"),
        |c| Slot::Time(&mut c.limits.drain_timeout, Duration::ZERO..=HOUR),
        "How long requests in flight may finish after SIGTERM.",
    ),
    Key::new(
        "limits.instances",
        Text("16"),
        |c| Slot::Count(&mut c.limits.instances, 1..=10_000),
        "Instances of the component alive at once. Two for each processor serve best; more are made only when these are full.",
    ),
    Key::new(
        "limits.concurrentPerInstance",
        Text("16"),
        |c| Slot::Count(&mut c.limits.concurrent_per_instance, 1..=1_024),
        "Requests that one instance serves at the same time.",
    ),
    Key::new(
        "limits.requestsPerInstance",
        Text("10000"),
        |c| Slot::Count(&mut c.limits.requests_per_instance, 1..=1_000_000_000),
        "Requests after which an instance is replaced.",
    ),
    Key::new(
        "limits.instanceMemory",
        Text("64MiB"),
        |c| Slot::Size(&mut c.limits.instance_memory, MIB..=4 * GIB),
        "Linear memory of one instance.",
    ),
    Key::new(
        "cache.enabled",
        Text("true"),
        |c| Slot::Flag(&mut c.cache.enabled),
        "Keep responses that allow it in front of the component.",
    ),
    Key::new(
        "cache.size",
        Text("16MiB"),
        |c| Slot::Size(&mut c.cache.size, 64 * KIB..=64 * GIB),
        "All cached responses with their compressed variants.",
    ),
    Key::new(
        "cache.staleIfError",
        Text("0s"),
        |c| Slot::Time(&mut c.cache.stale_if_error, Duration::ZERO..=YEAR),
        "How long a response that is no longer fresh stands in for a failure, as `X-Cache: stale`; 0s: not at all.",
    ),
];

//! Keys of `telemetry`.

use crate::config::{
    check,
    key::{Derived, Key, Nothing, Text},
    model::Config,
    slot::Slot,
    telemetry,
};

pub(super) const TELEMETRY: &[Key<Config>] = &[
    Key::new(
        "telemetry.enabled",
        Derived("`true` when a variable names the endpoint"),
        |c: &mut Config| Slot::Flag(&mut c.telemetry.enabled),
        "Send telemetry. `OTEL_SDK_DISABLED=true` goes before it.",
    )
    .also(&["THV_REGISTRY_TELEMETRY_ENABLED"]),
    Key::new(
        "telemetry.serviceName",
        Text("cairn"),
        |c: &mut Config| Slot::Text(&mut c.telemetry.service_name, check::PATTERN),
        "Who sends: `service.name`.",
    )
    .also(&["THV_REGISTRY_TELEMETRY_SERVICENAME", "OTEL_SERVICE_NAME"]),
    Key::new(
        "telemetry.serviceVersion",
        Derived("that of the binary"),
        |c: &mut Config| Slot::Text(&mut c.telemetry.service_version, check::PATTERN),
        "Its version: `service.version`.",
    )
    .also(&["THV_REGISTRY_TELEMETRY_SERVICEVERSION"]),
    Key::new(
        "telemetry.resourceAttributes",
        Nothing("none"),
        |c: &mut Config| Slot::Text(&mut c.telemetry.attributes, telemetry::ATTRIBUTES),
        "What else is said of it.",
    )
    .also(&["OTEL_RESOURCE_ATTRIBUTES"]),
    Key::new(
        "telemetry.endpoint",
        Text("localhost:4318"),
        |c: &mut Config| Slot::Text(&mut c.telemetry.endpoint, telemetry::ENDPOINT),
        "Collector that takes OTLP over HTTP with protobuf; `/v1/traces` is appended.",
    )
    .also(&[
        "THV_REGISTRY_TELEMETRY_ENDPOINT",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ]),
    Key::new(
        "telemetry.insecure",
        Text("false"),
        |c: &mut Config| Slot::Flag(&mut c.telemetry.insecure),
        "Without TLS, where the endpoint does not say `http://` or `https://` itself.",
    )
    .also(&["THV_REGISTRY_TELEMETRY_INSECURE"]),
    Key::new(
        "telemetry.headers",
        Nothing("none"),
        |c: &mut Config| Slot::Secret(&mut c.telemetry.headers),
        "Headers of each request as `name=value`, separated by commas; better given by variable.",
    )
    .also(&["OTEL_EXPORTER_OTLP_HEADERS"]),
    Key::new(
        "telemetry.tracing.enabled",
        Derived("`true` when a variable names the endpoint"),
        |c: &mut Config| Slot::Flag(&mut c.telemetry.tracing),
        "Send traces.",
    )
    .also(&["THV_REGISTRY_TELEMETRY_TRACING_ENABLED"]),
    Key::new(
        "telemetry.tracing.sampling",
        Text("0.05"),
        |c: &mut Config| Slot::Text(&mut c.telemetry.sampling, telemetry::SHARE),
        "How many of the traces that begin here; of a caller's trace the caller decides.",
    )
    .also(&[
        "THV_REGISTRY_TELEMETRY_TRACING_SAMPLING",
        "OTEL_TRACES_SAMPLER_ARG",
    ]),
    Key::new(
        "telemetry.metrics.enabled",
        Text("false"),
        |c: &mut Config| Slot::Flag(&mut c.telemetry.metrics),
        "Only `false` while telemetry is on: metrics are read at `/metrics` and not sent.",
    )
    .also(&["THV_REGISTRY_TELEMETRY_METRICS_ENABLED"]),
];

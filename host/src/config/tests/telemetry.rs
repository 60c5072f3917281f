//! When traces are sent, where to, and in whose name.

use super::{super::Secret, FINE, problems, read};

#[test]
fn an_endpoint_in_a_variable_or_two_switches_in_the_file_turn_traces_on() {
    let both = "telemetry: { enabled: true, tracing: { enabled: true } }\n";
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
    let ours = ("CAIRN_TELEMETRY_ENDPOINT", "collector:4318");
    let plain = Some("http://collector:4318/v1/traces");
    let secure = Some("https://collector:4318/v1/traces");
    let standard = Some("https://localhost:4318/v1/traces");
    for (file, variables, expected) in [
        ("", &[][..], None),
        (both, &[], standard),
        ("telemetry: { enabled: true }\n", &[], None),
        ("telemetry: { endpoint: \"collector:4318\" }\n", &[], None),
        (both, &[endpoint], plain),
        ("", &[endpoint], plain),
        ("", &[ours], secure),
        ("", &[endpoint, ours], secure),
        ("", &[endpoint, ("OTEL_SDK_DISABLED", "TRUE")], None),
        ("", &[endpoint, ("OTEL_SDK_DISABLED", "false")], plain),
        ("telemetry: { enabled: false }\n", &[endpoint], None),
        (
            "telemetry: { tracing: { enabled: false } }\n",
            &[endpoint],
            None,
        ),
        (
            "",
            &[endpoint, ("THV_REGISTRY_TELEMETRY_ENABLED", "false")],
            None,
        ),
        (
            "telemetry: { enabled: true, tracing: { enabled: true }, insecure: true, endpoint: \"a:1\" }\n",
            &[],
            Some("http://a:1/v1/traces"),
        ),
    ] {
        let config = read(format!("{FINE}{file}"), variables).expect("loads");
        let url = config.telemetry.traces.map(|traces| traces.url);
        assert_eq!(url.as_deref(), expected, "{file} {variables:?}");
    }
}

#[test]
fn who_sends_is_said_by_key_or_variable_or_attribute() {
    let on = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
    let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=theirs,a=b%20c");
    let named = ("OTEL_SERVICE_NAME", "named");
    for (file, variables, name) in [
        ("", &[on][..], "cairn"),
        ("", &[on, attributes], "theirs"),
        ("", &[on, attributes, named], "named"),
        (
            "telemetry: { serviceName: filed }\n",
            &[on, attributes],
            "filed",
        ),
        ("telemetry: { serviceName: filed }\n", &[on, named], "named"),
    ] {
        let config = read(format!("{FINE}{file}"), variables).expect("loads");
        let resource = config.telemetry.traces.expect("traces").resource;
        let of = |wanted: &str| -> Vec<&str> {
            let values = resource.iter().filter(|pair| pair.0 == wanted);
            values.map(|pair| pair.1.as_str()).collect()
        };
        assert_eq!(of("service.name"), [name], "{variables:?}");
        assert_eq!(of("service.version"), [env!("CARGO_PKG_VERSION")]);
        let more = variables.contains(&attributes);
        assert_eq!(of("a"), if more { vec!["b c"] } else { vec![] });
    }
}

#[test]
fn headers_are_taken_apart_and_not_shown() {
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "authorization=Bearer%20hunter2",
        ),
    ];
    let config = read(FINE, &variables).expect("loads");
    assert!(!format!("{config:?}").contains("hunter2"));
    let headers = config.telemetry.traces.expect("traces").headers;
    let expected = ("authorization".to_owned(), Secret::new("Bearer hunter2"));
    assert_eq!(headers, [expected]);
}

#[test]
fn what_cannot_be_sent_fails_the_start() {
    let on = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
    let both = "enabled: true, tracing: { enabled: true }";
    for (file, variables, expected) in [
        (
            "telemetry: { enabled: true, metrics: { enabled: true } }\n".to_owned(),
            &[][..],
            "5: telemetry.metrics.enabled: sending metrics is not supported yet in this version; set it to false and read \
             `/metrics` of the internal listener",
        ),
        (
            format!("telemetry: {{ {both}, headers: hunter2 }}\n"),
            &[],
            "5: telemetry.headers: part 1 is not `name=value`; separate parts by commas, and write a comma inside a value \
             as %2C",
        ),
        (
            String::new(),
            &[on, ("OTEL_TRACES_SAMPLER_ARG", "5%")],
            "OTEL_TRACES_SAMPLER_ARG: telemetry.tracing.sampling: `5%` is not a part of all; write a number from 0 to 1",
        ),
        (
            format!("telemetry: {{ {both}, endpoint: \"grpc://a:1\" }}\n"),
            &[],
            "5: telemetry.endpoint: is not a URL of the form http://host/path or https://host/path",
        ),
    ] {
        let found = problems(read(format!("{FINE}{file}"), variables));
        assert_eq!(found, [expected]);
    }
}

#[test]
fn metrics_may_be_on_as_long_as_telemetry_is_not() {
    let file = format!("{FINE}telemetry: {{ metrics: {{ enabled: true }} }}\n");
    read(file, &[]).expect("loads");
}

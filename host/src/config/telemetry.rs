//! Where traces go: what the keys say of it, and what follows from them. Nothing here connects.

use std::str::FromStr;

use percent_encoding::percent_decode_str;

use super::{
    check::Check,
    env::{self, Lookup},
    error::{At, Report},
    layer::Layer,
    model::Secret,
    url,
};

/// Behind an endpoint, by the standard.
const PATH: &str = "/v1/traces";

/// The keys as they were given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Telemetry {
    pub enabled: bool,
    pub service_name: String,
    pub service_version: String,
    pub endpoint: String,
    pub insecure: bool,
    pub headers: Option<Secret>,
    pub attributes: String,
    pub tracing: bool,
    pub sampling: String,
    pub metrics: bool,
    /// What follows from them; without it nothing is sent.
    pub traces: Option<Traces>,
}

/// How traces are sent, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traces {
    /// With the path.
    pub url: String,
    pub headers: Vec<(String, Secret)>,
    /// Of traces that nobody has begun before us.
    pub share: Share,
    /// Who we are.
    pub resource: Vec<(String, String)>,
}

/// A part of all traces, chosen by their ids, so that every service that asks chooses the same ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(u64);

impl Share {
    /// Ids below it are taken; 63 of their bits count.
    const ALL: u64 = 1 << 63;

    /// Whether this trace is one of them.
    #[must_use]
    pub fn takes(self, trace: u128) -> bool {
        let low = u64::try_from(trace & u128::from(u64::MAX)).unwrap_or_default();
        low >> 1 < self.0
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number: Option<f64> = text.parse().ok();
        let number = number.filter(|number| (0.0..=1.0).contains(number));
        let number = number
            .ok_or_else(|| format!("`{text}` is not a part of all; write a number from 0 to 1"))?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "from 0 to 2^63, and nobody counts the last bit"
        )]
        Ok(Self((number * Self::ALL as f64) as u64))
    }
}

/// Where spans are sent.
pub(super) const ENDPOINT: Check = Check {
    what: "host:port, or http or https URL",
    test: |text| url::base(&whole(text, true)),
};
/// How many of them.
pub(super) const SHARE: Check = Check {
    what: "number from 0 to 1",
    test: |text| text.parse::<Share>().map(drop),
};
/// What is said of whoever sends.
pub(super) const ATTRIBUTES: Check = Check {
    what: "`name=value`, separated by commas",
    test: |text| pairs(text).map(drop),
};

/// What follows from the keys. An endpoint that a variable names is meant to be used.
pub(super) fn derive(
    telemetry: &mut Telemetry,
    given: &Layer,
    env: &dyn Lookup,
    report: &mut Report,
) {
    let at = |key| given.get(key).map_or(At::Default, |place| place.at.clone());
    let named = matches!(at("telemetry.endpoint"), At::Variable(_));
    if given.get("telemetry.enabled").is_none() {
        telemetry.enabled = named;
    }
    if given.get("telemetry.tracing.enabled").is_none() {
        telemetry.tracing = named;
    }
    if given.get("telemetry.serviceVersion").is_none() {
        env!("CARGO_PKG_VERSION").clone_into(&mut telemetry.service_version);
    }
    let off = env::value(env, "OTEL_SDK_DISABLED");
    if off.is_some_and(|text| text.eq_ignore_ascii_case("true")) {
        telemetry.enabled = false;
    }
    if !telemetry.enabled {
        return;
    }
    if telemetry.metrics {
        let message = "sending metrics is not supported yet in this version; set it to false and read `/metrics` of the \
                       internal listener";
        report.add(
            "telemetry.metrics.enabled",
            &at("telemetry.metrics.enabled"),
            message,
        );
    }
    if !telemetry.tracing {
        return;
    }
    let headers = telemetry.headers.as_ref().map_or("", Secret::expose);
    match pairs(headers) {
        Ok(headers) => {
            let named = given.get("telemetry.serviceName").is_some();
            telemetry.traces = traces(telemetry, headers, named);
        }
        Err(message) => report.add("telemetry.headers", &at("telemetry.headers"), message),
    }
}

/// Nothing when a text was refused already.
fn traces(telemetry: &Telemetry, headers: Vec<(String, String)>, named: bool) -> Option<Traces> {
    let share = telemetry.sampling.parse().ok()?;
    let mut resource = pairs(&telemetry.attributes).ok()?;
    let known = |resource: &[(String, String)], name| resource.iter().any(|pair| pair.0 == name);
    if named || !known(&resource, "service.name") {
        resource.retain(|pair| pair.0 != "service.name");
        resource.push(("service.name".to_owned(), telemetry.service_name.clone()));
    }
    for (name, value) in [
        ("service.version", telemetry.service_version.as_str()),
        ("telemetry.sdk.name", env!("CARGO_PKG_NAME")),
        ("telemetry.sdk.language", "rust"),
        ("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
    ] {
        if !known(&resource, name) {
            resource.push((name.to_owned(), value.to_owned()));
        }
    }
    let secret = |(name, value): (String, String)| (name, Secret::new(value));
    Some(Traces {
        url: whole(&telemetry.endpoint, telemetry.insecure),
        headers: headers.into_iter().map(secret).collect(),
        share,
        resource,
    })
}

/// The address with its path. What names a scheme has chosen it; else it is encrypted unless that is not wanted.
fn whole(endpoint: &str, insecure: bool) -> String {
    let scheme = match (endpoint.contains("://"), insecure) {
        (true, _) => "",
        (false, true) => "http://",
        (false, false) => "https://",
    };
    let base = endpoint.trim_end_matches('/');
    let base = base.strip_suffix(PATH).unwrap_or(base);
    format!("{scheme}{base}{PATH}")
}

/// `name=value,name=value`, percent-encoded, as the standard's variables have it. The text may hold secrets, and is
/// never repeated.
fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let pair = |(number, part): (usize, &str)| {
        let (name, value) = part.split_once('=').unwrap_or_default();
        let value = percent_decode_str(value.trim()).decode_utf8();
        match (name.trim(), value) {
            (name, Ok(value)) if !name.is_empty() => Ok((name.to_owned(), value.into_owned())),
            _ => Err(format!(
                "part {} is not `name=value`; separate parts by commas, and write a comma inside a value as %2C",
                number + 1
            )),
        }
    };
    parts.enumerate().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_leads_to_one_address() {
        for (endpoint, insecure, expected) in [
            ("localhost:4318", false, "https://localhost:4318/v1/traces"),
            ("localhost:4318", true, "http://localhost:4318/v1/traces"),
            ("http://a:1", false, "http://a:1/v1/traces"),
            ("https://a/otlp/", true, "https://a/otlp/v1/traces"),
            ("http://a:1/v1/traces", false, "http://a:1/v1/traces"),
        ] {
            assert_eq!(whole(endpoint, insecure), expected, "{endpoint}");
        }
    }

    #[test]
    fn shares_are_numbers_from_nothing_to_all() {
        for (text, expected) in [
            ("0", Some(Share(0))),
            ("0.5", Some(Share(1 << 62))),
            ("1", Some(Share(Share::ALL))),
            ("1.0", Some(Share(Share::ALL))),
            ("1.1", None),
            ("-0.1", None),
            ("NaN", None),
            ("5%", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
        assert!(Share(Share::ALL).takes(u128::MAX) && !Share(0).takes(1));
    }

    #[test]
    fn pairs_are_read_and_never_repeated() {
        let owned = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect::<Vec<_>>()
        };
        for (text, expected) in [
            ("", owned(&[])),
            ("a=1, b = x%2Cy%20z ,", owned(&[("a", "1"), ("b", "x,y z")])),
            ("a=b=c", owned(&[("a", "b=c")])),
            ("a=", owned(&[("a", "")])),
        ] {
            assert_eq!(pairs(text), Ok(expected), "{text}");
        }
        for text in ["hunter2", "a=1,hunter2", "=hunter2", "a=hunter2%FF"] {
            let message = pairs(text).unwrap_err();
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}

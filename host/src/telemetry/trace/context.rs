//! The trace that a caller has begun, as W3C Trace Context hands it on. What does not keep to that form is no trace.

use http::HeaderMap;

/// Longest list of other systems' notes that is handed on; the standard asks for at least as much.
const STATE: usize = 512;

/// The numbers of a trace and of a span in it. Neither is zero.
pub(super) type TraceId = u128;
pub(super) type SpanId = u64;

/// A caller's span.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Remote {
    pub(super) trace: TraceId,
    pub(super) span: SpanId,
    pub(super) sampled: bool,
    /// `tracestate`, as it came.
    pub(super) state: Option<String>,
}

impl Remote {
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut given = headers.get_all("traceparent").iter();
        let (Some(parent), None) = (given.next(), given.next()) else {
            return None;
        };
        let (trace, span, flags) = parse(parent.to_str().ok()?)?;
        Some(Self {
            trace,
            span,
            sampled: flags & 1 == 1,
            state: state(headers),
        })
    }
}

/// `version-trace-span-flags`. A later version may have more behind them.
fn parse(text: &str) -> Option<(TraceId, SpanId, u8)> {
    let (fields, rest) = text.split_at_checked(55)?;
    let mut fields = fields.split('-');
    let mut next = |digits: usize| fields.next().and_then(|field| number(field, digits));
    let (version, trace, span, flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
    let whole = match version {
        0xff => false,
        0 => rest.is_empty(),
        _ => rest.is_empty() || rest.starts_with('-'),
    };
    let (span, flags) = (u64::try_from(span).ok()?, u8::try_from(flags).ok()?);
    (whole && trace != 0 && span != 0).then_some((trace, span, flags))
}

fn number(field: &str, digits: usize) -> Option<u128> {
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let right = field.len() == digits && field.bytes().all(hexadecimal);
    right
        .then(|| u128::from_str_radix(field, 16).ok())
        .flatten()
}

fn state(headers: &HeaderMap) -> Option<String> {
    let given = headers.get_all("tracestate").iter();
    let lists: Option<Vec<&str>> = given.map(|list| list.to_str().ok()).collect();
    let state = lists?.join(",");
    (!state.is_empty() && state.len() <= STATE).then_some(state)
}

/// A number that no other trace has.
pub(super) fn new_trace() -> TraceId {
    fastrand::u128(1..)
}

pub(super) fn new_span() -> SpanId {
    fastrand::u64(1..)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(given: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    #[test]
    fn only_a_whole_traceparent_is_taken_over() {
        let trace = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;
        let span = 0xb7ad_6b71_6920_3331;
        let ids = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
        let zeros = (
            "00000000000000000000000000000000-b7ad6b7169203331",
            "0af7651916cd43dd8448eb211c80319c-0000000000000000",
        );
        for (text, sampled) in [
            (format!("00-{ids}-01"), Some(true)),
            (format!("00-{ids}-00"), Some(false)),
            (format!("00-{ids}-03"), Some(true)),
            (format!("cc-{ids}-01"), Some(true)),
            (format!("cc-{ids}-01-what-comes-later"), Some(true)),
            (format!("cc-{ids}-01.what"), None),
            (format!("00-{ids}-01-more"), None),
            (format!("ff-{ids}-01"), None),
            (format!("00-{}-01", ids.to_uppercase()), None),
            (format!("00-{}-01", zeros.0), None),
            (format!("00-{}-01", zeros.1), None),
            (format!("00-{ids}-0"), None),
            (format!("00-{ids}-0ü"), None),
            (format!("0x-{ids}-01"), None),
            (String::new(), None),
        ] {
            let found = Remote::of(&headers(&[("traceparent", &text)]));
            let expected = sampled.map(|sampled| Remote {
                trace,
                span,
                sampled,
                state: None,
            });
            assert_eq!(found, expected, "{text}");
        }
        let one = format!("00-{ids}-01");
        let two = headers(&[("traceparent", &one), ("traceparent", &one)]);
        assert_eq!(Remote::of(&two), None);
    }

    #[test]
    fn a_tracestate_is_joined_and_bounded() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let long = "x".repeat(STATE + 1);
        for (lists, expected) in [
            (&["a=1", "b=2,c=3"][..], Some("a=1,b=2,c=3")),
            (&[], None),
            (&[""], None),
            (&["ü"], None),
            (&[long.as_str()], None),
        ] {
            let mut given = vec![("traceparent", parent)];
            given.extend(lists.iter().map(|list| ("tracestate", *list)));
            let remote = Remote::of(&headers(&given)).unwrap();
            assert_eq!(remote.state.as_deref(), expected, "{lists:?}");
        }
    }
}

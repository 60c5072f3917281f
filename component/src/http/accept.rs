//! The `Accept` header, as far as it is asked: does the client name this media type?

use ::http::{HeaderMap, header};

/// Whether the client names `media` itself. Wildcards do not count: who sends them has no preference.
pub(crate) fn accepts(headers: &HeaderMap, media: &str) -> bool {
    let values = headers.get_all(header::ACCEPT).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|range| names(range, media))
}

fn names(range: &str, media: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let named = parts
        .next()
        .is_some_and(|name| name.eq_ignore_ascii_case(media));
    named && !parts.any(is_zero_weight)
}

/// `q=0`, with up to three zeros behind the point: not acceptable (RFC 9110, section 12.4.2).
fn is_zero_weight(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, weight)| {
        name.eq_ignore_ascii_case("q")
            && weight.starts_with('0')
            && weight.bytes().all(|byte| matches!(byte, b'0' | b'.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_type_that_is_named_is_accepted() {
        let check = |accept: &str, expected| {
            let headers = [(header::ACCEPT, accept.parse().expect(accept))]
                .into_iter()
                .collect();
            assert_eq!(accepts(&headers, "text/html"), expected, "{accept}");
        };
        check("text/html", true);
        check("Text/HTML; q=0.5", true);
        check("application/json, text/html;level=1;q=0.001", true);
        check("text/html,application/xhtml+xml,*/*;q=0.8", true);
        check("text/html;q=0", false);
        check("text/html;q=0.000", false);
        check("*/*", false);
        check("text/*", false);
        check("text/htmlx", false);
        check("", false);
        assert!(!accepts(&HeaderMap::new(), "text/html"));
    }
}

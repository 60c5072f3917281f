//! Queries of Prometheus, read as far as it takes to know which metrics and labels they name.

use std::collections::BTreeSet;

/// Words of the query language; what else is a word is a metric or, between braces or after `by`, a label.
const LANGUAGE: [&str; 14] = [
    "absent",
    "by",
    "histogram_quantile",
    "increase",
    "min_over_time",
    "le",
    "max",
    "min",
    "offset",
    "or",
    "rate",
    "sum",
    "time",
    "vector",
];

/// Names of metrics in a query.
pub(crate) fn metrics(query: &str) -> BTreeSet<String> {
    let (mut plain, mut depth, mut is_quoted) = (String::new(), 0, false);
    for c in query.replace("[$__rate_interval]", "").chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            '{' | '[' if !is_quoted => depth += 1,
            '}' | ']' if !is_quoted => depth -= 1,
            _ if depth == 0 && !is_quoted => plain.push(c),
            _ => {}
        }
    }
    let mut names = BTreeSet::new();
    let mut rest = plain.as_str();
    // Labels stand in the brackets after `by`.
    while let Some((before, after)) = rest.split_once("by (") {
        names.extend(words(before));
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    names.extend(words(rest));
    names
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(move |c| !is_word(c))
        .filter(|word| {
            word.starts_with(|c: char| c.is_ascii_alphabetic()) && !LANGUAGE.contains(word)
        })
        .map(str::to_owned)
        .collect::<Vec<_>>()
        .into_iter()
}

/// Labels that a query groups by.
pub(crate) fn labels(query: &str) -> BTreeSet<String> {
    let groups = query.split("by (").skip(1);
    let inside = groups.filter_map(|rest| rest.split_once(')'));
    inside
        .flat_map(|(labels, _)| labels.split(", ").map(str::to_owned))
        .collect()
}

#[test]
fn metrics_and_labels_are_found_in_a_query() {
    for (query, names, by) in [
        ("up{job=\"cairn\"} == 0", &["up"][..], &[][..]),
        (
            "histogram_quantile(0.95, sum by (le, source) (rate(a_bucket[$__rate_interval])))",
            &["a_bucket"],
            &["le", "source"],
        ),
        (
            "time() - max by (s) (b_seconds offset 1d) > 900",
            &["b_seconds"],
            &["s"],
        ),
        (
            "sum(rate(c{status=~\"5..\"}[5m])) / sum(rate(d[5m]))",
            &["c", "d"],
            &[],
        ),
    ] {
        assert_eq!(
            metrics(query)
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
            names,
            "{query}"
        );
        assert_eq!(
            labels(query).iter().map(String::as_str).collect::<Vec<_>>(),
            by,
            "{query}"
        );
    }
}

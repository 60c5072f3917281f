//! Query strings, read in one pass.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::Fault;

/// The only parameter in which `+` is a space. Cursors, versions and the offset of a time have real pluses in them, which
/// clients paste unescaped; a space none of them has.
const FREE_TEXT: &str = "search";

/// Names and values, decoded. Parameters without a value count as absent and are left out.
pub(crate) fn pairs(
    query: &str,
) -> impl Iterator<Item = Result<(Cow<'_, str>, Cow<'_, str>), Fault>> {
    query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        (!value.is_empty()).then(|| pair_of(name, value))
    })
}

fn pair_of<'a>(name: &'a str, value: &'a str) -> Result<(Cow<'a, str>, Cow<'a, str>), Fault> {
    let name = decode(name, name)?;
    if name != FREE_TEXT || !value.contains('+') {
        let value = decode(&name, value)?;
        return Ok((name, value));
    }
    let spaced = value.replace('+', " ");
    let value = decode(&name, &spaced)?.into_owned();
    Ok((name, Cow::Owned(value)))
}

fn decode<'a>(name: &str, raw: &'a str) -> Result<Cow<'a, str>, Fault> {
    percent_decode_str(raw).decode_utf8().map_err(|_| {
        let name = if name == raw { "query" } else { name };
        Fault::invalid(
            "query",
            name,
            raw,
            format!("{name} is not UTF-8: percent-encode its UTF-8 bytes"),
        )
    })
}

/// A yes or no, in the spellings that programs write.
pub(crate) fn boolean(name: &'static str, value: &str) -> Result<bool, Fault> {
    let is = |words: [&str; 2]| words.iter().any(|word| word.eq_ignore_ascii_case(value));
    if is(["true", "1"]) {
        Ok(true)
    } else if is(["false", "0"]) {
        Ok(false)
    } else {
        Err(Fault::invalid(
            "query",
            name,
            value,
            format!("invalid {name}: give true or false"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Option<Vec<(String, String)>> {
        let pair = |pair: Result<(Cow<'_, str>, Cow<'_, str>), Fault>| {
            pair.ok()
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
        };
        pairs(query).map(pair).collect()
    }

    #[test]
    fn pairs_are_decoded() {
        let check = |query, expected: &[(&str, &str)]| {
            let expected = expected
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_string()));
            assert_eq!(read(query), Some(expected.collect()), "{query}");
        };
        check("", &[]);
        check("&&", &[]);
        check("limit", &[]);
        check("limit=", &[]);
        check("limit=1&search=a%20b", &[("limit", "1"), ("search", "a b")]);
        check("search=a+b%2Bc", &[("search", "a b+c")]);
        check(
            "version=1.0+x&cursor=a+b=",
            &[("version", "1.0+x"), ("cursor", "a+b=")],
        );
        check("updated%5Fsince=T+02:00", &[("updated_since", "T+02:00")]);
        check("search=%C3%A4", &[("search", "ä")]);
        check("search=100%", &[("search", "100%")]);
        check("search=%zz", &[("search", "%zz")]);
    }

    #[test]
    fn what_is_not_utf_8_is_refused() {
        for query in ["search=%FF", "search=a+%FF", "%FF=1", "other=%C3"] {
            assert_eq!(read(query), None, "{query}");
        }
    }

    #[test]
    fn booleans_have_few_spellings() {
        let check = |value, expected| assert_eq!(boolean("x", value).ok(), expected, "{value}");
        check("true", Some(true));
        check("TRUE", Some(true));
        check("1", Some(true));
        check("false", Some(false));
        check("0", Some(false));
        check("yes", None);
        check("2", None);
    }
}

//! Between the wire and the use cases: parameters in, bodies out. Bodies are put together from ready bytes.

use std::borrow::Cow;

use cairn_registry::{
    model::Timestamp,
    ops::browse::{Listing, Page, Query},
};

use crate::http::{Cache, Call, DEFAULT_LIMIT, Dialect, Etag, Fault, Reply, boolean, pairs};

/// The parameters of a list. Unknown ones are ignored; of repeated ones the first counts.
pub(super) fn list_query(call: &Call<'_>) -> Result<Query, Fault> {
    let (mut limit, mut since) = (None, None);
    let mut query = Query::default();
    for pair in pairs(call.query()) {
        let (name, value) = pair?;
        match &*name {
            "cursor" => first(&mut query.cursor, value),
            "search" => first(&mut query.search, value),
            "version" => first(&mut query.version, value),
            "limit" => first(&mut limit, value),
            "updated_since" => first(&mut since, value),
            "include_deleted" if query.include_deleted.is_none() => {
                query.include_deleted = Some(boolean("include_deleted", &value)?);
            }
            _ => {}
        }
    }
    query.limit = limit.map_or(Ok(DEFAULT_LIMIT), |text| {
        read_limit(&text, call.base.dialect())
    })?;
    query.updated_since = since.map(|text| read_time(&text)).transpose()?;
    Ok(query)
}

fn first(place: &mut Option<String>, value: Cow<'_, str>) {
    if place.is_none() {
        *place = Some(value.into_owned());
    }
}

fn read_limit(text: &str, dialect: Dialect) -> Result<u32, Fault> {
    let most = dialect.most();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // Digits that are no u32 are a number too large for it.
    let number = digits.then(|| text.parse().unwrap_or(u32::MAX));
    match (number, dialect) {
        (Some(number), _) if (1..=most).contains(&number) => Ok(number),
        (Some(number), Dialect::Toolhive) if number > most => Ok(most),
        (_, Dialect::Official) => Err(Fault::out_of_range(
            "limit",
            text,
            format!("limit must be a whole number from 1 to {most}"),
        )),
        (_, Dialect::Toolhive) => Err(Fault::invalid(
            "query",
            "limit",
            text,
            format!("invalid limit: give a whole number from 1 to {most}"),
        )),
    }
}

fn read_time(text: &str) -> Result<Timestamp, Fault> {
    Timestamp::parse(text)
        .or_else(|| with_plus(text))
        .ok_or_else(|| {
            Fault::invalid(
                "query",
                "updated_since",
                text,
                "invalid updated_since: give an RFC 3339 timestamp such as 2025-08-07T13:15:04Z",
            )
        })
}

/// The time whose offset lost its `+`: clients send it unescaped, and whoever decodes on the way makes a space of it.
fn with_plus(text: &str) -> Option<Timestamp> {
    let (time, offset) = text.rsplit_once(' ')?;
    time.contains(':').then_some(())?;
    Timestamp::parse(&format!("{time}+{offset}"))
}

/// The only parameter besides the path that versions have.
pub(super) fn include_deleted(call: &Call<'_>) -> Result<bool, Fault> {
    for pair in pairs(call.query()) {
        let (name, value) = pair?;
        if name == "include_deleted" {
            return boolean("include_deleted", &value);
        }
    }
    Ok(false)
}

const JSON: (&str, Cache) = ("application/json", Cache::Records);

/// `{"servers":[…],"metadata":{"count":…,"nextCursor":…}}`
pub(super) fn page(call: &Call<'_>, page: &Page) -> Reply {
    list("page", call, &page.records, page.next.as_deref())
}

/// The same without a cursor.
pub(super) fn versions(call: &Call<'_>, versions: &Listing) -> Reply {
    list("versions", call, versions, None)
}

/// `{"server":…,"_meta":…}`
pub(super) fn version(call: &Call<'_>, record: &Listing) -> Reply {
    let etag = Etag::of("version", record.heads(), "");
    Reply::tagged(call, &etag, JSON, || {
        let mut body = Vec::with_capacity(record.size());
        record.write(&mut body);
        body
    })
}

fn list(shape: &'static str, call: &Call<'_>, records: &Listing, next: Option<&str>) -> Reply {
    let etag = Etag::of(shape, records.heads(), next.unwrap_or_default());
    Reply::tagged(call, &etag, JSON, || list_body(records, next))
}

fn list_body(records: &Listing, next: Option<&str>) -> Vec<u8> {
    const OPEN: &str = r#"{"servers":["#;
    let count = records.len();
    // A cursor is base64url: nothing in it needs to be escaped.
    let end = match next {
        Some(next) => format!(r#"],"metadata":{{"count":{count},"nextCursor":"{next}"}}}}"#),
        None => format!(r#"],"metadata":{{"count":{count}}}}}"#),
    };
    let mut body = Vec::with_capacity(OPEN.len() + records.size() + end.len());
    body.extend_from_slice(OPEN.as_bytes());
    records.write(&mut body);
    body.extend_from_slice(end.as_bytes());
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_that_became_a_space_is_one() {
        let check = |text, utc: Option<&str>| {
            let read = read_time(text).ok().map(|time| time.to_string());
            assert_eq!(read.as_deref(), utc, "{text}");
        };
        check("2025-04-12T02:00:00+02:00", Some("2025-04-12T00:00:00Z"));
        check("2025-04-12T02:00:00 02:00", Some("2025-04-12T00:00:00Z"));
        check(
            "2025-04-12T02:00:00.5 00:00",
            Some("2025-04-12T02:00:00.5Z"),
        );
        check("2025-04-12 02:00:00 02:00", Some("2025-04-12T00:00:00Z"));
        check("2025-04-12 02:00:00Z", Some("2025-04-12T02:00:00Z"));
        check("2025-04-12 02:00:00", None);
        check("2025-04-12 02:00", None);
        check("2025-04-12T02:00:00  02:00", None);
        check("2025-04-12T02:00:00 ", None);
        check("2025-04-12T02:00:00 x", None);
        check(" ", None);
    }

    #[test]
    fn limits_differ_by_dialect() {
        let check = |text, official: Result<u32, u16>, toolhive: Result<u32, u16>| {
            let read = |dialect| read_limit(text, dialect).map_err(|fault| fault.status().as_u16());
            assert_eq!(read(Dialect::Official), official, "{text}");
            assert_eq!(read(Dialect::Toolhive), toolhive, "{text}");
        };
        check("1", Ok(1), Ok(1));
        check("007", Ok(7), Ok(7));
        check("100", Ok(100), Ok(100));
        check("101", Err(422), Ok(101));
        check("1000", Err(422), Ok(1000));
        check("1001", Err(422), Ok(1000));
        check("99999999999999999999", Err(422), Ok(1000));
        check("0", Err(422), Err(400));
        check("-1", Err(422), Err(400));
        check("+1", Err(422), Err(400));
        check("1.5", Err(422), Err(400));
        check("abc", Err(422), Err(400));
        check("٣", Err(422), Err(400));
    }
}

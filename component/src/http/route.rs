//! Routes as data. One list says what is parsed, what is documented and what is tested.

use std::borrow::Cow;

use ::http::{HeaderMap, Uri, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{Base, Fault};
use crate::Operation;

/// One route: `GET` (and with it `HEAD` and `OPTIONS`) of a path below a base.
#[derive(Debug)]
pub(crate) struct Route {
    /// Pieces of the path; one in braces is a parameter. [`NAME`] takes two pieces when it comes unencoded.
    pub(crate) path: &'static [&'static str],
    pub(crate) place: Place,
    pub(crate) operation: Operation,
    /// `operationId` of the document.
    pub(crate) id: &'static str,
    pub(crate) summary: &'static str,
    /// Path parameters first.
    pub(crate) inputs: &'static [Input],
    pub(crate) answer: Answer,
}

/// Under which bases a route is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// At the root alone.
    Root,
    /// Under every base.
    EveryBase,
    /// Under every base too, but one without a version is only tolerated: the document shows it with one.
    Versioned,
}

/// A parameter, for the document; a path parameter is one that stands in the path.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) name: &'static str,
    pub(crate) kind: Type,
    pub(crate) description: &'static str,
}

/// What a parameter may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Boolean,
    /// RFC 3339.
    Time,
    /// Records on a page; the range depends on the dialect.
    Limit,
}

/// What a route answers when all is well, and which other statuses it has.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) description: &'static str,
    pub(crate) media: &'static str,
    /// Name of the schema of a JSON answer.
    pub(crate) schema: Option<&'static str>,
    pub(crate) others: &'static [u16],
}

/// The parameter that has a slash in it, which some proxies decode.
pub(crate) const NAME: &str = "{serverName}";

/// A request that has found its route.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) base: Base<'a>,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    params: Vec<(&'static str, Cow<'a, str>)>,
}

impl Call<'_> {
    /// The path parameter `name`, in braces. One that the route does not have is empty.
    pub(crate) fn param(&self, name: &str) -> &str {
        let found = self.params.iter().find(|(key, _)| *key == name);
        found.map_or("", |(_, value)| value)
    }

    /// The raw query, without the question mark.
    pub(crate) fn query(&self) -> &str {
        self.uri.query().unwrap_or_default()
    }

    /// Host and port the client spoke to. It is the client's word: to be escaped, and never cached.
    pub(crate) fn authority(&self) -> Option<&str> {
        let host = self.headers.get(header::HOST);
        host.and_then(|host| host.to_str().ok())
            .or_else(|| self.uri.authority().map(|authority| authority.as_str()))
    }
}

/// Finds the route for what follows a base, and makes the call of it.
pub(super) fn find<'a>(
    map: &[&'static [Route]],
    (registry, version, tail): (Option<&'a str>, &'static str, &'a str),
    uri: &'a Uri,
    headers: &'a HeaderMap,
) -> Result<Option<(&'static Route, Call<'a>)>, Fault> {
    let segments: Vec<&str> = tail.split('/').skip(1).collect();
    let at_root = registry.is_none() && version.is_empty();
    let routes = || {
        let all = map.iter().flat_map(|routes| routes.iter());
        all.filter(|route| at_root || route.place != Place::Root)
    };
    let wide = routes().find_map(|route| Some((route, route.captures_wide(&segments)?)));
    let found =
        wide.or_else(|| routes().find_map(|route| Some((route, route.captures(&segments)?))));
    let Some((route, captures)) = found else {
        return Ok(None);
    };
    let registry = registry
        .map(|raw| text("{registryName}", raw))
        .transpose()?;
    let params = captures
        .into_iter()
        .map(|(name, raw)| Ok((name, raw.text(name)?)))
        .collect::<Result<_, Fault>>()?;
    let base = Base { registry, version };
    Ok(Some((
        route,
        Call {
            base,
            uri,
            headers,
            params,
        },
    )))
}

/// What stands in the place of a parameter.
#[derive(Clone, Copy)]
enum Raw<'a> {
    One(&'a str),
    Two(&'a str, &'a str),
}

type Captures<'a> = Vec<(&'static str, Raw<'a>)>;

/// The version that a base without one means.
const STABLE: &str = "/v0.1";

impl Route {
    /// The path behind a base, as documents show it.
    pub(crate) fn shown(&self, versioned: bool) -> String {
        let version = match self.place {
            Place::Versioned if !versioned => STABLE,
            _ => "",
        };
        format!("{version}/{}", self.path.join("/"))
    }

    fn captures<'a>(&self, segments: &[&'a str]) -> Option<Captures<'a>> {
        if self.path.len() != segments.len() {
            return None;
        }
        let mut captures = Vec::new();
        for (piece, segment) in self.path.iter().zip(segments) {
            match piece.starts_with('{') {
                true => captures.push((*piece, Raw::One(segment))),
                false if piece == segment => {}
                false => return None,
            }
        }
        Some(captures)
    }

    /// The same where the name takes two segments. An encoded slash says that it does not.
    fn captures_wide<'a>(&self, segments: &[&'a str]) -> Option<Captures<'a>> {
        if self.path.len() + 1 != segments.len() {
            return None;
        }
        let at = self.path.iter().position(|piece| *piece == NAME)?;
        let (first, second) = (*segments.get(at)?, *segments.get(at + 1)?);
        let encoded = |text: &str| text.contains("%2F") || text.contains("%2f");
        if encoded(first) || encoded(second) || first.is_empty() || second.is_empty() {
            return None;
        }
        let mut narrow = segments.to_vec();
        narrow.remove(at);
        let mut captures = self.captures(&narrow)?;
        let name = captures.iter_mut().find(|(piece, _)| *piece == NAME)?;
        name.1 = Raw::Two(first, second);
        Some(captures)
    }
}

impl<'a> Raw<'a> {
    fn text(self, name: &str) -> Result<Cow<'a, str>, Fault> {
        match self {
            Self::One(raw) => text(name, raw),
            Self::Two(first, second) => {
                let (first, second) = (text(name, first)?, text(name, second)?);
                Ok(Cow::Owned(format!("{first}/{second}")))
            }
        }
    }
}

/// A path parameter decoded and checked.
fn text<'a>(name: &str, raw: &'a str) -> Result<Cow<'a, str>, Fault> {
    let name = name.trim_matches(['{', '}']);
    let text = percent_decode_str(raw)
        .decode_utf8()
        .map_err(|_| Fault::invalid("path", name, raw, format!("{name} is not UTF-8")))?;
    if text.is_empty() {
        return Err(Fault::invalid(
            "path",
            name,
            raw,
            format!("{name} cannot be empty"),
        ));
    }
    Ok(text)
}

/// All but the unreserved characters of RFC 3986.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A text as one segment of a path.
pub(crate) fn encode(text: &str) -> percent_encoding::PercentEncode<'_> {
    utf8_percent_encode(text, SEGMENT)
}

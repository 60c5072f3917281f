//! Which version of a name is the latest.
//!
//! Rule of the official MCP registry: two Semantic Versions compare by SemVer 2.0.0 section 11; two others by the time
//! of publishing; a Semantic Version stands above any other text. Build metadata is ignored, and so are a leading `v`
//! and leading zeros, which real records carry. Deleted versions take part only when all are deleted.

use std::cmp::Ordering;

use super::{Status, Timestamp};

/// One version in the contest for "latest".
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    pub version: &'a str,
    pub published_at: Timestamp,
    pub status: Status,
}

/// The index of the latest version; `None` only for an empty slice.
#[must_use]
pub fn latest(candidates: &[Candidate<'_>]) -> Option<usize> {
    let living = |candidate: &Candidate<'_>| candidate.status != Status::Deleted;
    let all_deleted = !candidates.iter().any(living);
    candidates
        .iter()
        .enumerate()
        .filter(|(_, candidate)| all_deleted || living(candidate))
        .max_by(|(_, a), (_, b)| compare(a, b))
        .map(|(index, _)| index)
}

fn compare(a: &Candidate<'_>, b: &Candidate<'_>) -> Ordering {
    match (Semver::parse(a.version), Semver::parse(b.version)) {
        // A publish that does not compare greater does not become latest: the earlier of two equals stays.
        (Some(x), Some(y)) => x.cmp(&y).then(b.published_at.cmp(&a.published_at)),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        (None, None) => a.published_at.cmp(&b.published_at),
    }
    .then_with(|| a.version.cmp(b.version))
}

/// A Semantic Version's precedence, borrowed from its text.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Semver<'a> {
    core: [Number<'a>; 3],
    prerelease: Prerelease<'a>,
}

impl<'a> Semver<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let (text, build) = split(text, '+');
        let (core, prerelease) = split(text, '-');
        let mut parts = core.split('.');
        let mut number = || Number::parse(parts.next()?);
        let core = [number()?, number()?, number()?];
        let well_formed = parts.next().is_none() && build.is_none_or(identifiers);
        well_formed.then_some(())?;
        Some(Self {
            core,
            prerelease: Prerelease::parse(prerelease)?,
        })
    }
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    match text.split_once(at) {
        Some((head, tail)) => (head, Some(tail)),
        None => (text, None),
    }
}

fn identifiers(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    text.split('.')
        .all(|part| !part.is_empty() && part.bytes().all(allowed))
}

/// Digits of any length, without leading zeros: a longer one is larger, so no integer type can overflow.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Number<'a> {
    length: usize,
    digits: &'a str,
}

impl<'a> Number<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| {
            let digits = text.trim_start_matches('0');
            Self {
                length: digits.len(),
                digits,
            }
        })
    }
}

/// The variants stand in order of precedence: a prerelease is lower than its release.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Prerelease<'a> {
    Identifiers(Vec<Identifier<'a>>),
    None,
}

impl<'a> Prerelease<'a> {
    fn parse(text: Option<&'a str>) -> Option<Self> {
        let Some(text) = text else {
            return Some(Self::None);
        };
        identifiers(text)
            .then(|| Self::Identifiers(text.split('.').map(Identifier::from).collect()))
    }
}

/// Numeric identifiers are lower than alphanumeric ones.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier<'a> {
    Numeric(Number<'a>),
    Alphanumeric(&'a str),
}

impl<'a> From<&'a str> for Identifier<'a> {
    fn from(text: &'a str) -> Self {
        Number::parse(text).map_or(Self::Alphanumeric(text), Self::Numeric)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(published_at: i64, version: &str) -> Candidate<'_> {
        Candidate {
            version,
            published_at: Timestamp::from_micros(published_at),
            status: Status::Active,
        }
    }

    #[test]
    fn semantic_versions_are_ordered_by_section_11() {
        let ascending = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.2",
            "1.0.0-alpha.10",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-rc.1",
            "1.0.0",
            "1.2.0",
            "v1.9.0",
            "1.010.0",
            "2.0.0",
            "2025.11.26+pr150-394827a",
            "99999999999999999999999.0.0",
        ];
        for (lower, higher) in ascending.iter().zip(&ascending[1..]) {
            // The lower one is published later: time must not matter.
            assert_eq!(
                latest(&[at(2, lower), at(1, higher)]),
                Some(1),
                "{lower} < {higher}"
            );
        }
    }

    #[test]
    fn what_is_not_a_semantic_version_stands_below_and_goes_by_time() {
        let check =
            |candidates: &[Candidate<'_>], expected| assert_eq!(latest(candidates), Some(expected));
        check(&[at(1, "0.0.1-a"), at(9, "2025-01-01")], 0);
        check(&[at(1, "1.0"), at(2, "0.9")], 1);
        check(&[at(5, "1.0.0.0"), at(2, "1.0.0-")], 0);
        check(&[at(3, "b"), at(3, "a")], 0);
    }

    #[test]
    fn of_equal_precedence_the_first_published_stays() {
        assert_eq!(latest(&[at(2, "1.0.0+b"), at(1, "1.0.0+a")]), Some(1));
    }

    #[test]
    fn deleted_versions_lose_unless_all_are_deleted() {
        let deleted = |version| Candidate {
            status: Status::Deleted,
            ..at(1, version)
        };
        assert_eq!(latest(&[at(1, "1.0.0"), deleted("2.0.0")]), Some(0));
        assert_eq!(latest(&[deleted("1.0.0"), deleted("2.0.0")]), Some(1));
        assert_eq!(latest(&[]), None);
    }
}

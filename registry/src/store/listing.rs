//! Records as an engine hands them over: all elements of a page in one piece, ready to be sent, and of each a head with
//! what the page still needs to know. So three values cross from the engine to the guest, not five for every record.

use super::Row;
use crate::{
    Error, Result,
    kinds::Kind,
    model::{Digest, Position},
};

/// Bytes of a digest that a tag shows, in hexadecimal: enough to tell the contents of one list apart.
const TAGGED: usize = 8;
/// Hexadecimal digits of a length.
const LENGTH: usize = 8;

/// The head of an element, as it is stored: a tag, the name, the version, and then three lengths in bytes: of the name, of
/// the version, and of the element without its opening. What a page needs is its last head, which so is found at once.
#[must_use]
pub fn head(name: &str, version: &str, size: usize, digest: &Digest) -> String {
    let mut tag = digest.to_string();
    tag.truncate(2 * TAGGED);
    let (name_size, version_size) = (name.len(), version.len());
    format!("{tag}{name}{version}{name_size:08x}{version_size:08x}{size:08x}")
}

/// One head, read.
struct Head<'a> {
    tag: &'a str,
    size: usize,
    name: &'a str,
    version: &'a str,
}

/// Heads one after another, from the last to the first. It ends at what is no head.
struct Heads<'a>(&'a str);

impl<'a> Iterator for Heads<'a> {
    type Item = Head<'a>;

    fn next(&mut self) -> Option<Head<'a>> {
        let (size, version, name) = (self.length()?, self.length()?, self.length()?);
        Some(Head {
            size,
            version: self.text(version)?,
            name: self.text(name)?,
            tag: self.text(2 * TAGGED)?,
        })
    }
}

impl<'a> Heads<'a> {
    /// The last so many bytes.
    fn text(&mut self, bytes: usize) -> Option<&'a str> {
        let at = self.0.len().checked_sub(bytes)?;
        let (rest, taken) = self.0.split_at_checked(at)?;
        self.0 = rest;
        Some(taken)
    }

    fn length(&mut self) -> Option<usize> {
        usize::from_str_radix(self.text(LENGTH)?, 16).ok()
    }
}

/// Records of one kind, in the order in which they are sent.
#[derive(Debug)]
pub struct Listing {
    kind: Kind,
    count: usize,
    /// One after another.
    heads: String,
    /// Elements, joined by [`Kind::separator`]. The opening of the first one is not in it.
    elements: Vec<u8>,
}

impl Listing {
    /// From the one row of a listing statement.
    pub(super) fn from_rows(kind: Kind, rows: Vec<Row>) -> Result<Self> {
        let mut row = rows
            .into_iter()
            .next()
            .ok_or_else(|| Error::internal("a listing without its row"))?;
        let count = row.integer()?;
        Ok(Self {
            kind,
            count: usize::try_from(count)
                .map_err(|_| Error::internal("a listing of less than nothing"))?,
            heads: row.optional_text()?.unwrap_or_default(),
            elements: row.optional_blob()?.unwrap_or_default(),
        })
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What entity tags are made of: equal heads mean equal elements.
    #[must_use]
    pub fn heads(&self) -> &str {
        &self.heads
    }

    /// The tag of each element, made of its digest.
    #[must_use]
    pub fn tags(&self) -> Vec<&str> {
        self.read(|head| head.tag)
    }

    /// Where each record stands in the list.
    #[must_use]
    pub fn positions(&self) -> Vec<Position> {
        self.read(position)
    }

    fn read<'a, T>(&'a self, what: impl FnMut(Head<'a>) -> T) -> Vec<T> {
        let mut read: Vec<T> = Heads(&self.heads).map(what).collect();
        read.reverse();
        read
    }

    /// Bytes that [`Listing::write`] adds.
    #[must_use]
    pub fn size(&self) -> usize {
        if self.is_empty() {
            return 0;
        }
        self.kind.opening().len() + self.elements.len()
    }

    /// Adds the elements, separated by commas.
    pub fn write(&self, body: &mut Vec<u8>) {
        if !self.is_empty() {
            body.extend_from_slice(self.kind.opening().as_bytes());
            body.extend_from_slice(&self.elements);
        }
    }

    /// Keeps the first `most`; gives the position of the last one kept when there were more.
    pub(crate) fn cut(&mut self, most: usize) -> Result<Option<Position>> {
        if self.count <= most || most == 0 {
            return Ok(None);
        }
        let lost = || Error::internal("elements without their heads");
        let (mut heads, mut bytes) = (Heads(&self.heads), self.elements.len());
        for _ in most..self.count {
            let dropped = heads.next().ok_or_else(lost)?;
            bytes = bytes.saturating_sub(dropped.size + self.kind.separator().len());
        }
        let end = heads.0.len();
        let last = heads.next().map(position).ok_or_else(lost)?;
        self.heads.truncate(end);
        self.elements.truncate(bytes);
        self.count = most;
        Ok(Some(last))
    }
}

fn position(head: Head<'_>) -> Position {
    Position {
        name: head.name.to_owned(),
        version: head.version.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Value;

    fn listing(names: &[&str]) -> Listing {
        let element = |name: &&str| format!(r#"{{"name":"{name}"}},"_meta":{{}}}}"#);
        let elements: Vec<String> = names.iter().map(element).collect();
        let heads: Vec<String> = names
            .iter()
            .zip(&elements)
            .map(|(name, element)| head(name, "1", element.len(), &Digest::of([name.as_bytes()])))
            .collect();
        let some = |value: Value| if names.is_empty() { Value::Null } else { value };
        let elements = elements.join(Kind::Server.separator()).into_bytes();
        let row = Row::new(vec![
            Value::Integer(i64::try_from(names.len()).unwrap()),
            some(heads.concat().into()),
            some(elements.into()),
        ]);
        Listing::from_rows(Kind::Server, vec![row]).unwrap()
    }

    fn written(listing: &Listing) -> String {
        let mut body = Vec::new();
        listing.write(&mut body);
        assert_eq!(body.len(), listing.size());
        String::from_utf8(body).unwrap()
    }

    #[test]
    fn elements_are_whole_and_separated() {
        let check = |names: &[&str], expected: &str| {
            assert_eq!(written(&listing(names)), expected);
            assert_eq!(
                listing(names)
                    .tags()
                    .iter()
                    .filter(|tag| tag.len() == 16)
                    .count(),
                names.len()
            );
        };
        check(&[], "");
        check(&["a"], r#"{"server":{"name":"a"},"_meta":{}}"#);
        check(
            &["a", "b"],
            r#"{"server":{"name":"a"},"_meta":{}},{"server":{"name":"b"},"_meta":{}}"#,
        );
    }

    #[test]
    fn what_is_cut_off_leaves_a_shorter_listing() {
        let names = ["a", "bb", "ccc", "dddd"];
        for most in 1..=5 {
            let mut cut = listing(&names);
            let last = cut.cut(most).unwrap();
            let kept = &names[..most.min(names.len())];
            let whole = listing(kept);
            assert_eq!(written(&cut), written(&whole));
            assert_eq!(cut.heads(), whole.heads());
            let expected = (most < names.len()).then(|| kept[most - 1]);
            assert_eq!(last.map(|last| last.name).as_deref(), expected);
        }
    }
}

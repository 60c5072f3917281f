//! Records as an engine hands them over: all elements of a page in one piece, ready to be sent, and of each a head with
//! what the page still needs to know. So three values cross from the engine to the guest, not five for every record.

use super::Row;
use crate::{
    Error, Result,
    kinds::Kind,
    model::{Digest, Position},
};

/// Lines of a head: name, version, bytes of the element without its opening, tag. None can hold a line break.
const LINES: usize = 4;
/// Bytes of a digest that a tag shows, in hexadecimal: enough to tell the contents of one list apart.
const TAGGED: usize = 8;

/// The head of an element, as it is stored.
pub(crate) fn head(name: &str, version: &str, size: usize, digest: &Digest) -> String {
    let mut tag = digest.to_string();
    tag.truncate(2 * TAGGED);
    format!("{name}\n{version}\n{size}\n{tag}")
}

/// Records of one kind, in the order in which they are sent.
#[derive(Debug)]
pub struct Listing {
    kind: Kind,
    count: usize,
    /// Heads, joined by line breaks.
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

    /// What entity tags are made of: equal tags mean equal elements.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.lines(3)
    }

    /// Where each record stands in the list.
    pub fn positions(&self) -> impl Iterator<Item = Position> {
        let position = |(name, version): (&str, &str)| Position {
            name: name.to_owned(),
            version: version.to_owned(),
        };
        self.lines(0).zip(self.lines(1)).map(position)
    }

    fn lines(&self, of: usize) -> impl Iterator<Item = &str> {
        self.heads.split('\n').skip(of).step_by(LINES)
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
        let mut bytes = (most - 1) * self.kind.separator().len();
        for size in self.lines(2).take(most) {
            bytes += size
                .parse::<usize>()
                .map_err(|_| Error::internal("a stored head without a size"))?;
        }
        let end = self.heads.match_indices('\n').nth(most * LINES - 1);
        let end = end.map_or(self.heads.len(), |(index, _)| index);
        self.heads.truncate(end);
        self.elements.truncate(bytes);
        self.count = most;
        Ok(self.positions().last())
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
            some(heads.join("\n").into()),
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
                listing(names).tags().filter(|tag| tag.len() == 16).count(),
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
            assert!(cut.tags().eq(whole.tags()));
            let expected = (most < names.len()).then(|| kept[most - 1]);
            assert_eq!(last.map(|last| last.name).as_deref(), expected);
        }
    }
}

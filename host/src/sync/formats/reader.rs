//! The walk over the records of one JSON text. The order of keys does not matter; keys that belong to no form are
//! skipped. What a record says is none of its business.

use std::{io::Read, ops::ControlFlow};

use super::{
    Expected, FormatError, Item, Layout, RawRecord, Reading, Summary,
    cursor::Cursors,
    element::{self, Outcome},
    layout, legacy,
    scan::{Captured, Kept, Place, Scanner},
};
use crate::config::model::Format;

/// Walks one text.
pub(super) struct Reader<'a, R> {
    scan: Scanner<R>,
    reading: Reading<'a>,
    sink: &'a mut dyn FnMut(Item) -> ControlFlow<()>,
    layout: Option<Layout>,
    /// A form that the text seems to have but that was not expected.
    other: Option<Layout>,
    is_record: bool,
    groups: u64,
    records: u64,
    rejected: u64,
    cursors: Cursors,
}

impl<'a, R: Read> Reader<'a, R> {
    pub(super) fn new(
        input: R,
        reading: Reading<'a>,
        sink: &'a mut dyn FnMut(Item) -> ControlFlow<()>,
    ) -> Self {
        Self {
            scan: Scanner::new(input, reading.max_record_size),
            reading,
            sink,
            layout: None,
            other: None,
            is_record: false,
            groups: 0,
            records: 0,
            rejected: 0,
            cursors: Cursors::default(),
        }
    }

    pub(super) fn read(mut self) -> Result<Summary, FormatError> {
        match self.text() {
            Ok(layout) => Ok(Summary {
                layout,
                records: self.records,
                rejected: self.rejected,
                cursors: self.cursors,
            }),
            Err(error) => Err(error.after(self.records)),
        }
    }

    fn text(&mut self) -> Result<Layout, FormatError> {
        self.byte_order_mark()?;
        match self.scan.peek()? {
            Some(b'{') => self.object()?,
            Some(b'[') if !self.found(Layout::Array) => return Err(self.unknown()),
            Some(b'[') => {
                self.servers("")?;
                self.nothing_follows()?;
            }
            _ => return Err(layout::not_json(self.scan.ahead())),
        }
        self.layout.ok_or_else(|| self.unknown())
    }

    fn byte_order_mark(&mut self) -> Result<(), FormatError> {
        if self.scan.peek()? == Some(0xEF) {
            for byte in [0xEF, 0xBB, 0xBF] {
                self.scan.require(byte)?;
            }
        }
        Ok(())
    }

    fn object(&mut self) -> Result<(), FormatError> {
        self.scan.keep_document();
        let mut members = self.scan.open(b'{', b'}')?;
        while self.scan.next(&mut members)?.is_some() {
            let key = self.scan.key()?;
            self.top_member(&key)?;
        }
        let document = self.scan.take_document();
        self.nothing_follows()?;
        if let (None, true, Some(document)) = (self.layout, self.is_record, document)
            && self.found(Layout::Single)
        {
            return self.single(document);
        }
        if self.layout.is_none() && self.groups > 0 {
            self.found(Layout::Legacy);
        }
        if self.layout == Some(Layout::Legacy) && self.groups > 0 {
            self.hand_over(Item::Skipped {
                what: "groups",
                count: self.groups,
            })?;
        }
        Ok(())
    }

    /// Notes the form; false when it is not the expected one.
    fn found(&mut self, layout: Layout) -> bool {
        let allowed = match self.layout {
            Some(known) => known == layout,
            None => self.reading.expected.allows(layout),
        };
        if allowed {
            self.layout = Some(layout);
            self.scan.take_document();
        } else {
            self.other.get_or_insert(layout);
        }
        allowed
    }

    fn top_member(&mut self, key: &str) -> Result<(), FormatError> {
        let first = self.scan.peek()?;
        match (key, first) {
            ("servers", Some(b'[')) if self.found(Layout::List) => self.servers("servers"),
            ("servers", Some(b'{')) if self.found(Layout::Legacy) => {
                self.legacy(key, legacy::Kind::Image)
            }
            ("servers", Some(b'n')) => self.null_servers(),
            ("servers", Some(b'[' | b'{')) if self.servers_are_lost() => Err(self.unknown()),
            ("remote_servers", Some(b'{')) if self.found(Layout::Legacy) => {
                self.legacy(key, legacy::Kind::Remote)
            }
            ("groups", Some(b'[')) => self.count().map(|count| self.groups += count),
            ("data", Some(b'{')) if self.layout.is_none_or(|known| known == Layout::Upstream) => {
                self.data()
            }
            ("name", Some(b'"')) | ("server", Some(b'{')) => {
                self.is_record = true;
                self.skip()
            }
            _ => self.beside(key),
        }
    }

    /// A member beside the records: it may say where the next page is.
    fn beside(&mut self, key: &str) -> Result<(), FormatError> {
        let value = self.scan.value()?;
        element::skip(&value)?;
        if self.layout.is_none_or(|layout| layout == Layout::List) {
            let text = str::from_utf8(value.bytes).ok();
            self.cursors.note(key, text.filter(|_| value.whole));
        }
        Ok(())
    }

    /// `servers` of the other shape would silently be missing: only where the key means nothing may it be passed over.
    fn servers_are_lost(&self) -> bool {
        self.layout.is_none_or(|known| known != Layout::Upstream)
            && self.reading.expected != Expected::Named(Format::Upstream)
    }

    /// An empty page as some programs write it. In a file it is a fault, not an empty list.
    fn null_servers(&mut self) -> Result<(), FormatError> {
        if self.reading.expected != Expected::Page {
            return Err(null_list("servers"));
        }
        self.found(Layout::List);
        self.skip()
    }

    fn data(&mut self) -> Result<(), FormatError> {
        let mut members = self.scan.open(b'{', b'}')?;
        while self.scan.next(&mut members)?.is_some() {
            let key = self.scan.key()?;
            self.data_member(&key)?;
        }
        Ok(())
    }

    fn data_member(&mut self, key: &str) -> Result<(), FormatError> {
        let first = self.scan.peek()?;
        match (key, first) {
            ("servers", Some(b'[')) if self.found(Layout::Upstream) => self.servers("data.servers"),
            ("servers", Some(b'n')) => Err(null_list("data.servers")),
            ("skills", Some(b'[')) if self.found(Layout::Upstream) => self.skipped("skills"),
            ("plugins", Some(b'[')) if self.found(Layout::Upstream) => self.skipped("plugins"),
            _ => self.skip(),
        }
    }

    fn servers(&mut self, path: &str) -> Result<(), FormatError> {
        let mut elements = self.scan.open(b'[', b']')?;
        while let Some(index) = self.scan.next(&mut elements)? {
            let position = format!("{}{path}[{index}]", self.reading.prefix);
            let outcome = element::judge(&self.scan.value()?, element::split)?;
            self.record(position, outcome)?;
        }
        Ok(())
    }

    fn legacy(&mut self, map: &str, kind: legacy::Kind) -> Result<(), FormatError> {
        let mut members = self.scan.open(b'{', b'}')?;
        while self.scan.next(&mut members)?.is_some() {
            let key = self.scan.key()?;
            let position = format!("{}{map}.{key}", self.reading.prefix);
            let convert = |entry: &str| legacy::convert(&key, kind, entry);
            let outcome = element::judge(&self.scan.value()?, convert)?;
            self.record(position, outcome.or_name(&legacy::full_name(&key)))?;
        }
        Ok(())
    }

    fn single(&mut self, document: Kept) -> Result<(), FormatError> {
        let position = format!("{}the document", self.reading.prefix);
        let Kept {
            bytes,
            whole,
            length,
        } = &document;
        let value = Captured {
            bytes,
            whole: *whole,
            length: *length,
            place: Place { line: 1, column: 1 },
        };
        let outcome = element::judge(&value, element::split)?;
        self.record(position, outcome)
    }

    fn record(&mut self, position: String, outcome: Outcome) -> Result<(), FormatError> {
        match outcome {
            Outcome::Record { document, official } => {
                self.records += 1;
                self.hand_over(Item::Record(RawRecord {
                    position,
                    document,
                    official,
                }))
            }
            Outcome::Rejected { name, reason } => {
                self.rejected += 1;
                self.hand_over(Item::Rejected {
                    position,
                    name,
                    reason,
                })
            }
        }
    }

    fn skipped(&mut self, what: &'static str) -> Result<(), FormatError> {
        match self.count()? {
            0 => Ok(()),
            count => self.hand_over(Item::Skipped { what, count }),
        }
    }

    fn count(&mut self) -> Result<u64, FormatError> {
        let mut elements = self.scan.open(b'[', b']')?;
        let mut count = 0;
        while self.scan.next(&mut elements)?.is_some() {
            self.skip()?;
            count += 1;
        }
        Ok(count)
    }

    fn skip(&mut self) -> Result<(), FormatError> {
        element::skip(&self.scan.value()?)
    }

    fn hand_over(&mut self, item: Item) -> Result<(), FormatError> {
        match (self.sink)(item) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(FormatError::Stopped),
        }
    }

    fn nothing_follows(&mut self) -> Result<(), FormatError> {
        match self.scan.peek()? {
            None => Ok(()),
            found => Err(self
                .scan
                .unexpected(found, "the end: a text is one JSON value")),
        }
    }

    fn unknown(&self) -> FormatError {
        layout::mismatch(self.reading.expected, self.layout, self.other)
    }
}

fn null_list(path: &str) -> FormatError {
    let message = format!(
        "`{path}` is null, not a list: what was read before is kept; an empty list is written []"
    );
    FormatError::content(message, None)
}

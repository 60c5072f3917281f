//! Finds where JSON values begin and end in a stream, in bounded memory. It does not judge what is inside a value —
//! serde_json does that with the captured bytes — and it must never hold more than the limit it was given, so that a
//! value of a gigabyte costs a pass over the bytes and no memory.

use std::io::{BufRead, BufReader, Read};

use super::{FormatError, extent::Extent};

/// Bytes read from the input at once.
const BUFFER: usize = 64 * 1024;
/// What remains of a value that was too large: enough to find a name in it.
const PREFIX: usize = 16 * 1024;

/// A place in the text, both counted from 1; the column in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub line: u64,
    pub column: u64,
}

/// A value as it stood in the input.
pub(super) struct Captured<'a> {
    /// All bytes, or only the first ones when `whole` is false.
    pub bytes: &'a [u8],
    pub whole: bool,
    /// Bytes in the input.
    pub length: u64,
    pub place: Place,
}

/// A whole text that was kept; see `Captured`.
pub(super) struct Kept {
    pub bytes: Vec<u8>,
    pub whole: bool,
    pub length: u64,
}

/// An object or array that is being walked.
pub(super) struct Enclosed {
    close: u8,
    index: u64,
}

/// A pull reader over the tokens of one JSON text.
pub(super) struct Scanner<R> {
    input: BufReader<R>,
    offset: u64,
    line: u64,
    line_start: u64,
    value: Capture,
    /// The document from its beginning, as long as it may turn out to be one single record.
    document: Option<Capture>,
}

impl<R: Read> Scanner<R> {
    /// `limit`: bytes of a value that are kept; of a larger one only the beginning is.
    pub(super) fn new(input: R, limit: usize) -> Self {
        Self {
            input: BufReader::with_capacity(BUFFER, input),
            offset: 0,
            line: 1,
            line_start: 0,
            value: Capture::new(limit),
            document: None,
        }
    }

    pub(super) fn place(&self) -> Place {
        Place {
            line: self.line,
            column: self.offset - self.line_start + 1,
        }
    }

    /// Keeps everything that is read from here on, up to the limit.
    pub(super) fn keep_document(&mut self) {
        self.document = Some(Capture::new(self.value.limit));
    }

    /// Ends what `keep_document` began and returns it.
    pub(super) fn take_document(&mut self) -> Option<Kept> {
        let document = self.document.take()?;
        Some(Kept {
            whole: document.whole(),
            length: document.length,
            bytes: document.bytes,
        })
    }

    /// The next byte that is not white space, left in the input; `None` at the end.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, FormatError> {
        loop {
            let chunk = self.input.fill_buf().map_err(FormatError::Read)?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let blank = chunk.iter().take_while(|byte| is_blank(**byte)).count();
            let found = chunk.get(blank).copied();
            self.take(blank, false);
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Takes the byte that `peek` has shown.
    /// Content of the buffer: the bytes that follow, as far as they have been read.
    pub(super) fn ahead(&self) -> &[u8] {
        self.input.buffer()
    }

    pub(super) fn skip_byte(&mut self) {
        self.take(1, false);
    }

    /// Takes `wanted`, which must come next.
    pub(super) fn require(&mut self, wanted: u8) -> Result<(), FormatError> {
        match self.peek()? {
            Some(byte) if byte == wanted => self.skip_byte(),
            found => return Err(self.unexpected(found, &format!("`{}`", char::from(wanted)))),
        }
        Ok(())
    }

    /// Opens an object or array; `next` then walks it.
    pub(super) fn open(&mut self, open: u8, close: u8) -> Result<Enclosed, FormatError> {
        self.require(open)?;
        Ok(Enclosed { close, index: 0 })
    }

    /// Goes to the next member or element and returns its index; `None` after the closing bracket.
    pub(super) fn next(&mut self, list: &mut Enclosed) -> Result<Option<u64>, FormatError> {
        match self.peek()? {
            Some(byte) if byte == list.close => {
                self.skip_byte();
                return Ok(None);
            }
            Some(b',') if list.index > 0 => self.skip_byte(),
            Some(_) if list.index == 0 => {}
            found => {
                let wanted = format!("`,` or `{}`", char::from(list.close));
                return Err(self.unexpected(found, &wanted));
            }
        }
        list.index += 1;
        Ok(Some(list.index - 1))
    }

    /// The error for a byte that cannot stand here.
    pub(super) fn unexpected(&self, found: Option<u8>, wanted: &str) -> FormatError {
        let message = match found {
            None => format!("the text ends in the middle; expected {wanted}"),
            Some(byte) => format!("expected {wanted}, found `{}`", byte.escape_ascii()),
        };
        FormatError::content(message, Some(self.place()))
    }

    /// An object's key with the colon after it.
    pub(super) fn key(&mut self) -> Result<String, FormatError> {
        match self.peek()? {
            Some(b'"') => {}
            found => return Err(self.unexpected(found, "a key in quotes")),
        }
        let Captured {
            bytes,
            whole,
            place,
            ..
        } = self.value()?;
        if !whole {
            return Err(FormatError::content(
                "a key is larger than a record may be".into(),
                Some(place),
            ));
        }
        let key =
            serde_json::from_slice(bytes).map_err(|error| FormatError::syntax(&error, place))?;
        self.require(b':')?;
        Ok(key)
    }

    /// Takes one value of any kind.
    pub(super) fn value(&mut self) -> Result<Captured<'_>, FormatError> {
        let first = self.peek()?;
        let place = self.place();
        self.value.clear();
        match first {
            None | Some(b',' | b':' | b']' | b'}') => return Err(self.unexpected(first, "a value")),
            Some(b'{' | b'[' | b'"') => self.enclosed()?,
            Some(_) => self.scalar()?,
        }
        let Capture { bytes, length, .. } = &self.value;
        Ok(Captured {
            bytes,
            whole: self.value.whole(),
            length: *length,
            place,
        })
    }

    /// Takes a value that has an end of its own.
    fn enclosed(&mut self) -> Result<(), FormatError> {
        let mut extent = Extent::default();
        loop {
            let chunk = self.input.fill_buf().map_err(FormatError::Read)?;
            if chunk.is_empty() {
                return Err(self.unexpected(None, "the end of a value"));
            }
            let length = chunk.len();
            let end = extent.end(chunk);
            self.take(end.unwrap_or(length), true);
            if end.is_some() {
                return Ok(());
            }
        }
    }

    /// Takes a number or a word: it ends where something else begins.
    fn scalar(&mut self) -> Result<(), FormatError> {
        loop {
            let chunk = self.input.fill_buf().map_err(FormatError::Read)?;
            let ends = |byte: &u8| is_blank(*byte) || matches!(byte, b',' | b':' | b']' | b'}');
            let end = chunk.iter().position(ends);
            let length = end.unwrap_or(chunk.len());
            self.take(length, true);
            if end.is_some() || length == 0 {
                return Ok(());
            }
        }
    }

    /// Consumes bytes that are in the buffer, keeping count of lines.
    fn take(&mut self, length: usize, of_value: bool) {
        let chunk = self.input.buffer().get(..length).unwrap_or_default();
        for newline in memchr::memchr_iter(b'\n', chunk) {
            self.line += 1;
            self.line_start = self.offset + newline as u64 + 1;
        }
        if of_value {
            self.value.append(chunk);
        }
        if let Some(document) = &mut self.document {
            document.append(chunk);
        }
        self.offset += chunk.len() as u64;
        self.input.consume(length);
    }
}

/// Bytes up to a limit.
struct Capture {
    bytes: Vec<u8>,
    limit: usize,
    /// Bytes offered.
    length: u64,
}

impl Capture {
    fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::new(),
            limit,
            length: 0,
        }
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.length = 0;
    }

    fn whole(&self) -> bool {
        self.length <= self.limit as u64
    }

    fn append(&mut self, chunk: &[u8]) {
        let was_whole = self.whole();
        self.length += chunk.len() as u64;
        if self.whole() {
            self.bytes.extend_from_slice(chunk);
        } else if was_whole {
            let room = PREFIX.saturating_sub(self.bytes.len());
            self.bytes
                .extend_from_slice(chunk.get(..room).unwrap_or(chunk));
            self.bytes.truncate(PREFIX);
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

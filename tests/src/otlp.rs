//! What a collector of traces is sent, read field by field: an `ExportTraceServiceRequest` of OTLP. It shares nothing with
//! the program's own writer but the standard's numbers, and needs nothing else, so that other tests can compile this file
//! too.

use std::collections::BTreeMap;

/// One span.
#[derive(Debug, Clone, Default)]
pub struct Span {
    /// Hexadecimal, like the two below it.
    pub trace: String,
    pub id: String,
    /// Empty for a span that begins a trace.
    pub parent: String,
    pub state: String,
    pub name: String,
    /// 1 is internal, 2 server, 3 client.
    pub kind: u64,
    /// Nanoseconds since 1970.
    pub begun: u64,
    pub ended: u64,
    pub flags: u64,
    /// Numbers as text.
    pub attributes: BTreeMap<String, String>,
    /// 2 is a failure.
    pub status: u64,
    pub failure: String,
    /// Who sent it.
    pub resource: BTreeMap<String, String>,
}

impl Span {
    /// An attribute; empty when it is absent.
    #[must_use]
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    /// Whether the whole of it lies in another one's time.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        other.begun <= self.begun && self.begun <= self.ended && self.ended <= other.ended
    }

    /// Those directly below this one.
    #[must_use]
    pub fn children<'a>(&self, spans: &'a [Self]) -> Vec<&'a Self> {
        let below = |span: &&Self| span.trace == self.trace && span.parent == self.id;
        spans.iter().filter(below).collect()
    }
}

/// All spans of a request's body.
#[must_use]
pub fn spans(body: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    for resource_spans in messages(body, 1) {
        let resource = messages(resource_spans, 1);
        let resource = resource
            .first()
            .map_or_else(BTreeMap::new, |resource| attributes(&messages(resource, 1)));
        for scope_spans in messages(resource_spans, 2) {
            for bytes in messages(scope_spans, 2) {
                spans.push(Span {
                    resource: resource.clone(),
                    ..span(bytes)
                });
            }
        }
    }
    spans
}

fn span(bytes: &[u8]) -> Span {
    let mut span = Span {
        attributes: attributes(&messages(bytes, 9)),
        ..Span::default()
    };
    for (field, value) in fields(bytes) {
        match (field, value) {
            (1, Field::Bytes(id)) => span.trace = hex(id, 16),
            (2, Field::Bytes(id)) => span.id = hex(id, 8),
            (3, Field::Bytes(state)) => span.state = text(state),
            (4, Field::Bytes(id)) => span.parent = hex(id, 8),
            (5, Field::Bytes(name)) => span.name = text(name),
            (6, Field::Number(kind)) => span.kind = kind,
            (7, Field::Number(time)) => span.begun = time,
            (8, Field::Number(time)) => span.ended = time,
            (9, Field::Bytes(_)) => {}
            (15, Field::Bytes(status)) => {
                for (field, value) in fields(status) {
                    match (field, value) {
                        (2, Field::Bytes(message)) => span.failure = text(message),
                        (3, Field::Number(code)) => span.status = code,
                        other => panic!("a status has no field such as {other:?}"),
                    }
                }
            }
            (16, Field::Number(flags)) => span.flags = flags,
            other => panic!("a span of ours has no field such as {other:?}"),
        }
    }
    span
}

fn attributes(pairs: &[&[u8]]) -> BTreeMap<String, String> {
    let pair = |pair: &&[u8]| {
        let [(1, Field::Bytes(name)), (2, Field::Bytes(value))] = fields(pair)[..] else {
            panic!("not an attribute: {pair:?}");
        };
        let value = match fields(value)[..] {
            [(1, Field::Bytes(value))] => text(value),
            [(3, Field::Number(value))] => value.cast_signed().to_string(),
            ref other => panic!("not a value: {other:?}"),
        };
        (text(name), value)
    };
    pairs.iter().map(pair).collect()
}

/// A field's value: a number of whatever width, or what has a length.
#[derive(Debug, Clone, Copy)]
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn messages(bytes: &[u8], wanted: u64) -> Vec<&[u8]> {
    let wanted = |(field, value)| match value {
        Field::Bytes(bytes) if field == wanted => Some(bytes),
        Field::Bytes(_) | Field::Number(_) => None,
    };
    fields(bytes).into_iter().filter_map(wanted).collect()
}

fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let value = match key & 7 {
            0 => Field::Number(varint(&mut bytes)),
            1 => Field::Number(fixed(&mut bytes, 8)),
            2 => {
                let length = usize::try_from(varint(&mut bytes)).expect("a length");
                Field::Bytes(taken(&mut bytes, length))
            }
            5 => Field::Number(fixed(&mut bytes, 4)),
            wire => panic!("no wire type {wire}"),
        };
        fields.push((key >> 3, value));
    }
    fields
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..70).step_by(7) {
        let byte = taken(bytes, 1)[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return value;
        }
    }
    panic!("a number without end");
}

fn fixed(bytes: &mut &[u8], width: usize) -> u64 {
    let little_endian = taken(bytes, width).iter().rev();
    little_endian.fold(0, |value, byte| value << 8 | u64::from(*byte))
}

fn taken<'a>(bytes: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at_checked(length).expect("a whole message");
    *bytes = rest;
    taken
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn hex(bytes: &[u8], width: usize) -> String {
    assert_eq!(bytes.len(), width, "an id has its width");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

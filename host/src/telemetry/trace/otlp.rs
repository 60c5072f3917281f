//! Spans in the form that collectors take: `ExportTraceServiceRequest` of OTLP 1 as protobuf, of which seven messages are
//! needed, and of those the fields that we have. Numbers behind fields are those of the standard's `.proto` files.

use super::span::{Above, Kind, Record, Value};

/// Flags of a span: its parent is known to be, or not to be, in another process.
const KNOWS_REMOTE: u32 = 1 << 8;
const IS_REMOTE: u32 = 1 << 9;
/// The trace is recorded, as W3C has it.
const SAMPLED: u32 = 1;
/// Of a status.
const ERROR: u64 = 2;

/// `Resource`: who sends.
pub(super) fn resource(attributes: &[(String, String)]) -> Vec<u8> {
    let mut out = Message::default();
    for (name, value) in attributes {
        out.message(1, &key_value(name, &Value::Text(value.clone().into())));
    }
    out.0
}

/// `ExportTraceServiceRequest` of one resource.
pub(super) fn request(resource: &[u8], records: &[Record]) -> Vec<u8> {
    let mut scope = Message::default();
    scope.bytes(1, env!("CARGO_PKG_NAME").as_bytes());
    scope.bytes(2, env!("CARGO_PKG_VERSION").as_bytes());
    let mut scope_spans = Message::default();
    scope_spans.message(1, &scope);
    for record in records {
        scope_spans.message(2, &span(record));
    }
    let mut resource_spans = Message::default();
    resource_spans.message(1, &Message(resource.to_vec()));
    resource_spans.message(2, &scope_spans);
    let mut request = Message::default();
    request.message(1, &resource_spans);
    request.0
}

fn span(record: &Record) -> Message {
    let mut out = Message::default();
    out.bytes(1, &record.trace.id.to_be_bytes());
    out.bytes(2, &record.id.to_be_bytes());
    out.bytes(3, record.trace.state.as_deref().unwrap_or("").as_bytes());
    if let Above::Own(id) | Above::Remote(id) = record.above {
        out.bytes(4, &id.to_be_bytes());
    }
    out.bytes(5, record.name.as_bytes());
    out.number(6, kind(record.kind));
    out.fixed64(7, record.begun);
    out.fixed64(8, record.ended);
    for (name, value) in &record.attributes {
        out.message(9, &key_value(name, value));
    }
    if let Some(failure) = &record.failure {
        let mut status = Message::default();
        status.bytes(2, failure.as_bytes());
        status.number(3, ERROR);
        out.message(15, &status);
    }
    let remote = match record.above {
        Above::Remote(_) => IS_REMOTE,
        Above::Own(_) | Above::Nothing => 0,
    };
    out.fixed32(16, SAMPLED | KNOWS_REMOTE | remote);
    out
}

fn kind(kind: Kind) -> u64 {
    match kind {
        Kind::Internal => 1,
        Kind::Server => 2,
        Kind::Client => 3,
    }
}

fn key_value(name: &str, value: &Value) -> Message {
    let mut any = Message::default();
    match value {
        // Written even when empty: without it there would be no value at all.
        Value::Text(text) => any.delimited(1, text.as_bytes()),
        Value::Number(number) => any.number(3, number.cast_unsigned()),
    }
    let mut out = Message::default();
    out.bytes(1, name.as_bytes());
    out.message(2, &any);
    out
}

/// A message that is being written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(low(value) | 0x80);
            value >>= 7;
        }
        self.0.push(low(value));
    }

    fn key(&mut self, field: u32, wire: u32) {
        self.varint(u64::from(field << 3 | wire));
    }

    fn number(&mut self, field: u32, value: u64) {
        self.key(field, 0);
        self.varint(value);
    }

    fn fixed64(&mut self, field: u32, value: u64) {
        self.key(field, 1);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn fixed32(&mut self, field: u32, value: u32) {
        self.key(field, 5);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn delimited(&mut self, field: u32, bytes: &[u8]) {
        self.key(field, 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// What is empty is left out, as the format has it.
    fn bytes(&mut self, field: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.delimited(field, bytes);
        }
    }

    fn message(&mut self, field: u32, message: &Self) {
        self.delimited(field, &message.0);
    }
}

/// Seven bits.
fn low(value: u64) -> u8 {
    u8::try_from(value & 0x7f).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_is_that_of_protobuf() {
        let mut message = Message::default();
        message.number(1, 150);
        message.bytes(2, b"testing");
        message.bytes(4, b"");
        message.number(3, u64::MAX);
        message.fixed32(16, 257);
        let expected = [
            &[0x08, 0x96, 0x01, 0x12, 0x07][..],
            b"testing",
            &[
                0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
            ],
            &[0x85, 0x01, 0x01, 0x01, 0x00, 0x00],
        ]
        .concat();
        assert_eq!(message.0, expected);
    }
}

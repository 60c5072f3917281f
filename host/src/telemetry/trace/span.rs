//! A span from its begin to its end, which is when it is dropped: work that is given up half way shows as well.

use std::{
    borrow::Cow,
    fmt,
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use super::{
    context::{SpanId, TraceId, new_span},
    export::Queue,
};

/// What all spans of a trace share.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) id: TraceId,
    /// Other systems' notes, handed on as they came.
    pub(super) state: Option<String>,
}

impl Trace {
    pub(super) fn new(id: TraceId, state: Option<String>) -> Self {
        Self { id, state }
    }
}

/// What a span is to its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Internal,
    Server,
    Client,
}

/// What is told of a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Text(Cow<'static, str>),
    Number(i64),
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// Where a span hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Above {
    Nothing,
    /// A span of this process.
    Own(SpanId),
    /// The caller's.
    Remote(SpanId),
}

/// A span as it is sent. Times are nanoseconds since 1970.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) trace: Arc<Trace>,
    pub(super) id: SpanId,
    pub(super) above: Above,
    pub(super) name: Cow<'static, str>,
    pub(super) kind: Kind,
    pub(super) begun: u64,
    pub(super) ended: u64,
    pub(super) attributes: Vec<(&'static str, Value)>,
    /// What went wrong, for people.
    pub(super) failure: Option<Cow<'static, str>>,
}

/// A span under way.
pub(crate) struct Span {
    queue: Arc<Queue>,
    begun: Instant,
    /// Nothing when the span is not to be told.
    record: Option<Record>,
}

impl Span {
    pub(super) fn root(
        queue: &Arc<Queue>,
        trace: Arc<Trace>,
        name: &'static str,
        kind: Kind,
    ) -> Self {
        Self::begin(queue, trace, Above::Nothing, name.into(), kind)
    }

    pub(super) fn remote(queue: &Arc<Queue>, trace: Arc<Trace>, above: SpanId) -> Self {
        let above = Above::Remote(above);
        Self::begin(queue, trace, above, "request".into(), Kind::Server)
    }

    fn begin(
        queue: &Arc<Queue>,
        trace: Arc<Trace>,
        above: Above,
        name: Cow<'static, str>,
        kind: Kind,
    ) -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let begun = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        Self {
            queue: Arc::clone(queue),
            begun: Instant::now(),
            record: Some(Record {
                trace,
                id: new_span(),
                above,
                name,
                kind,
                begun,
                ended: begun,
                attributes: Vec::new(),
                failure: None,
            }),
        }
    }

    /// A better name than the one it began with.
    pub(crate) fn rename(&mut self, name: String) {
        if let Some(record) = &mut self.record {
            record.name = name.into();
        }
    }

    pub(crate) fn note(&mut self, name: &'static str, value: impl Into<Value>) {
        if let Some(record) = &mut self.record {
            record.attributes.push((name, value.into()));
        }
    }

    pub(crate) fn fail(&mut self, why: impl Into<Cow<'static, str>>) {
        if let Some(record) = &mut self.record {
            record.failure = Some(why.into());
        }
    }

    /// It was nothing worth telling.
    pub(crate) fn forget(mut self) {
        self.record = None;
    }

    /// For spans below this one.
    pub(crate) fn below(&self) -> Option<Parent> {
        self.record.as_ref().map(|record| Parent {
            queue: Arc::clone(&self.queue),
            trace: Arc::clone(&record.trace),
            span: record.id,
        })
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(mut record) = self.record.take() {
            let took = u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
            record.ended = record.begun.saturating_add(took);
            self.queue.push(record);
        }
    }
}

/// What a span has to know of the one above it.
#[derive(Clone)]
pub(crate) struct Parent {
    queue: Arc<Queue>,
    trace: Arc<Trace>,
    span: SpanId,
}

impl Parent {
    pub(crate) fn child(&self, name: impl Into<Cow<'static, str>>, kind: Kind) -> Span {
        let (trace, above) = (Arc::clone(&self.trace), Above::Own(self.span));
        Span::begin(&self.queue, trace, above, name.into(), kind)
    }
}

impl fmt::Debug for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}-{:016x}", self.trace.id, self.span)
    }
}

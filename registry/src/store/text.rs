//! Texts of the reading statements, each made when it is first needed and kept: they depend on the form of a question, of
//! which there are some dozens, and never on its values.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock},
};

use super::{Engine, plan::Shape};
use crate::kinds::Kind;

/// What a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Question {
    List(Shape),
    Versions { include_deleted: bool },
    Find { exact: bool, include_deleted: bool },
}

type Texts = BTreeMap<(Engine, Kind, Question), &'static str>;

static KEPT: RwLock<Texts> = RwLock::new(BTreeMap::new());

/// The text, made now if it never was. It is as good when whoever made it panicked afterwards.
pub(super) fn of(
    engine: Engine,
    kind: Kind,
    question: Question,
    make: impl FnOnce() -> String,
) -> &'static str {
    let key = (engine, kind, question);
    let kept = KEPT.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(text) = kept.get(&key) {
        return text;
    }
    drop(kept);
    let mut kept = KEPT.write().unwrap_or_else(PoisonError::into_inner);
    kept.entry(key).or_insert_with(|| make().leak())
}

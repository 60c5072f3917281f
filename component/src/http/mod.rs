//! What every surface shares, between bytes and use cases: where a request goes (`target`, `route`), what it asks for
//! (`query`, `accept`), how the answer is written (`reply`, `etag`, `fault`), and which program writes it (`program`). It
//! knows no surface and no store.

mod accept;
mod base;
mod etag;
mod fault;
mod origin;
pub(crate) mod program;
mod query;
mod reply;
mod route;
mod target;

pub(crate) use accept::accepts;
pub(crate) use base::{Base, DEFAULT_LIMIT, Dialect};
pub(crate) use etag::Etag;
pub(crate) use fault::{Fault, RETRY_AFTER, log};
pub(crate) use origin::Origin;
pub(crate) use query::{boolean, pairs};
pub(crate) use reply::{Cache, Reply, Served};
pub(crate) use route::{Answer, Call, Input, NAME, Place, Route, Type, encode};
pub(crate) use target::Target;

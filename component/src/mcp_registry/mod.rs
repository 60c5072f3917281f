//! The MCP registry API, v0.1 (and v0, which is the same today), read side: the paths, parameters and bodies of
//! <https://github.com/modelcontextprotocol/registry>, under root bases in the official dialect and under
//! `/registry/{name}` in ToolHive's.
//!
//! Kept on purpose:
//! * `count` is what is on this page, not a total, because clients read it so.
//! * Above its range, `limit` is refused in the official dialect and taken as 1,000 in ToolHive's.
//! * An unknown server has no versions in ToolHive's registry; here it is 404 in both dialects, which is what clients
//!   that enforce a registry as an allow list rely on.
//!
//! Not here: what a list contains and in which order, which is decided in `ops` and when records are written.

mod routes;
pub(crate) mod servers;
pub(crate) mod versions;
mod wire;

pub(crate) use routes::ROUTES;

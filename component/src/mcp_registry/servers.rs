//! Lists of servers.

use cairn_registry::{
    kinds::Kind,
    ops::{Cx, browse},
    store::Db,
};

use super::wire;
use crate::http::{Call, Served};

pub(crate) async fn list<D: Db>(cx: Cx<'_, D>, call: &Call<'_>) -> Served {
    let query = wire::list_query(call)?;
    let page = browse::list(cx, call.base.scope(), Kind::Server, query).await?;
    Ok(wire::page(call, &page))
}

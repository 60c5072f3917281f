//! The versions of one server.

use cairn_registry::{
    kinds::Kind,
    ops::{Cx, browse},
    store::Db,
};

use super::wire;
use crate::http::{Call, NAME, Served};

pub(crate) async fn list<D: Db>(cx: Cx<'_, D>, call: &Call<'_>) -> Served {
    let deleted = wire::include_deleted(call)?;
    let name = call.param(NAME);
    let versions = browse::versions(cx, call.base.scope(), Kind::Server, name, deleted).await?;
    Ok(wire::versions(call, &versions))
}

pub(crate) async fn get<D: Db>(cx: Cx<'_, D>, call: &Call<'_>) -> Served {
    let deleted = wire::include_deleted(call)?;
    let wanted = (call.param(NAME), call.param("{version}"));
    let element = browse::version(cx, call.base.scope(), Kind::Server, wanted, deleted).await?;
    Ok(wire::version(call, &element))
}

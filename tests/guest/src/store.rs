//! The store suite, run where the component runs: its adapters to Spin's interfaces against whatever engine the host offers
//! them. A case that fails panics, and the instance ends.

#[path = "../../../component/src/db/mod.rs"]
#[expect(dead_code, reason = "the router's part is not needed here")]
mod db;

use cairn_store_suite as suite;

/// Runs a case; `None` if there is none of that name.
pub(crate) async fn case(wanted: &str) -> Option<()> {
    let mut cases = suite::cases().into_iter();
    let (_, case) = cases.find(|(name, _)| *name == wanted)?;
    let (store, _) = db::Store::choose().await.ok()?;
    case(&store).await;
    Some(())
}

//! What the planner knows of tables that have just been filled. The server looks at them by itself, a minute or so after:
//! until then it takes a registry of a hundred thousand records for one of three, compares each of them with each name
//! that a batch asks for, and a first synchronisation takes five times as long.

use super::connection::Connection;

/// Rows from which on a batch may have changed what a plan should be.
pub(super) const MANY: usize = 500;

/// Has each table looked at that is ten times as large as when it last was. Who does not own a table is warned by the
/// server, and nothing happens.
const LOOK: &str = "DO $$ DECLARE grown regclass; BEGIN \
    FOR grown IN SELECT oid FROM pg_class \
        WHERE oid IN (to_regclass('entry'), to_regclass('view'), to_regclass('reference')) \
        AND pg_relation_size(oid) > 10 * greatest(relpages, 1) * current_setting('block_size')::bigint \
    LOOP EXECUTE format('ANALYZE %s', grown); END LOOP; END $$";

/// To be called after a large batch, and after others have been told of it: a look takes its time. Without statistics
/// everything works, only more slowly.
pub(super) async fn refresh(connection: &mut Connection) {
    if let Err(failure) = connection.simple(LOOK).await {
        let error = cairn_registry::Error::from(failure);
        tracing::debug!(error = error.cause(), "the tables were not looked at");
    }
}

//! `cairn doctor`, of the standby that is read from.

use cairn_registry::Result;

use super::{chart::Chart, database::word};
use crate::{config::Postgres, db::Store};

/// What a standby shows of the primary's commits.
const SHOWN: &str = "SELECT COALESCE(sum(value), 0)::text FROM generation";

pub(super) async fn examine(chart: &mut Chart, primary: &Store, settings: &Postgres) {
    let place = format!(
        "standby {} on {}:{}",
        settings.database, settings.host, settings.port
    );
    let standby = match crate::db::Postgres::new(settings) {
        Ok(standby) => Store::from(standby),
        Err(error) => return chart.bad(&format!("{place}: {error}"), "mend database.readUrl"),
    };
    match compare(primary, &standby).await {
        Ok(Found::Same) => chart.good(&place),
        Ok(Found::Behind(commits)) => chart.note(&format!(
            "{place}: {commits} commits behind the primary; reads go to the primary while it is more than 5 s"
        )),
        Ok(Found::NoStandby) => chart.bad(
            &format!("{place}: it takes writes of its own, and does not follow the primary"),
            "name a streaming standby of the primary by database.readUrl, or remove the key",
        ),
        Err(error) => chart.bad(
            &format!("{place}: {error}"),
            "check that it runs and streams from the primary, and host, port and login in database.readUrl; \
             reads go to the primary until then",
        ),
    }
    standby.close().await;
}

enum Found {
    Same,
    Behind(i64),
    NoStandby,
}

/// The primary is asked first: what the standby shows afterwards is at least as new, if it keeps up.
async fn compare(primary: &Store, standby: &Store) -> Result<Found> {
    let number = |text: String| text.parse::<i64>().unwrap_or_default();
    let there = number(word(primary, SHOWN).await?);
    let here = number(word(standby, SHOWN).await?);
    if here >= there {
        return Ok(Found::Same);
    }
    let follows = word(standby, "SELECT pg_is_in_recovery()::text").await?;
    Ok(if follows == "true" {
        Found::Behind(there - here)
    } else {
        Found::NoStandby
    })
}

//! How soon what one replica writes shows in the answers that another one keeps.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use cairn::db::Postgres;
use cairn_registry::{
    kinds::Kind,
    model::{Filter, Namespace},
    ops::{
        Cx,
        configure::SourceSpec,
        ingest::{Incoming, Item},
        pass::{self, Mode, Pass},
    },
};

use super::{Filled, Measured};
use crate::{load, progress, rows::Bench, stock::now, subject::Serving};

const PATH: &str = "/v0.1/servers/com.example%2Fnoticed/versions/1.0.0";
const LOOK: Duration = Duration::from_millis(1);
/// What has not come by then never will.
const PATIENCE: Duration = Duration::from_secs(10);
/// Of a lease, in seconds: longer than all of this takes.
const LEASE: i64 = 3600;

pub(super) async fn measured(bench: &Bench, filled: &Filled) -> Result<Measured> {
    progress("notice of a write");
    let serving = filled.site.serve(&bench.stock.binary)?;
    let namespace = Namespace::default();
    let writer = Writer {
        db: &filled.database.db,
        namespace: &namespace,
        source: filled.site.source()?,
    };
    let pass = writer.begin().await?;
    let writes = bench.plan.writes;
    let mut times = Vec::new();
    for number in 0..=writes {
        writer.write(&pass, number).await?;
        let committed = Instant::now();
        shown(&serving, number).await?;
        times.push(committed.elapsed());
        // Kept from now on, so that the next write finds an answer to replace.
        load::get(serving.address, PATH).await?;
    }
    // The first one was not there before.
    times.remove(0);
    times.sort_unstable();
    let at = |share: usize| {
        let time = times.get((times.len() * share).div_ceil(100) - 1);
        time.map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    };
    let note = format!("{writes} writes; half of them within {:.1} ms", at(50));
    Ok((Some(at(99)), note))
}

/// Another replica.
struct Writer<'a> {
    db: &'a Postgres,
    namespace: &'a Namespace,
    source: SourceSpec,
}

impl Writer<'_> {
    fn cx(&self) -> Cx<'_, Postgres> {
        Cx {
            db: self.db,
            namespace: self.namespace,
            now: now(),
        }
    }

    async fn begin(&self) -> Result<Pass> {
        let claim = pass::claim(self.cx(), &self.source, "another replica", LEASE).await?;
        let lease = claim.granted().context("somebody else reads the source")?;
        let (kind, filter) = (Kind::Server, Filter::default());
        Ok(pass::begin(self.cx(), lease, kind, filter, Mode::Incremental, true).await?)
    }

    /// Commits the record with that number in it.
    async fn write(&self, pass: &Pass, number: usize) -> Result<()> {
        let document = format!(
            r#"{{"name":"com.example/noticed","version":"1.0.0","description":"Written {number}."}}"#
        );
        let item = Item::Record(Incoming {
            position: "0".to_owned(),
            document: document.into_bytes(),
            official: None,
        });
        let taken = pass::take(self.cx(), pass, vec![item], "").await?;
        ensure!(taken.written == 1, "nothing was written");
        Ok(())
    }
}

async fn shown(serving: &Serving, number: usize) -> Result<()> {
    let wanted = format!("Written {number}.");
    let begun = Instant::now();
    loop {
        let answer = load::get(serving.address, PATH).await.unwrap_or_default();
        if memchr::memmem::find(&answer, wanted.as_bytes()).is_some() {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "a write never showed");
        tokio::time::sleep(LOOK).await;
    }
}

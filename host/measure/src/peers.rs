//! What the page through the component is compared with, all in one process: bare hyper that sends bytes of the same
//! size, the same router run natively over libsql, and the host itself. Started as a child, so that the load generator
//! is not part of the process that is measured.

use std::{
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
};

use anyhow::{Context, Result};
use bytes::Bytes;
use cairn::{
    config::{self, Config, Overrides, Process},
    db::Libsql,
    guest,
    serve::{self, Health, Schema},
    telemetry::{log, metrics::Metrics},
};
use cairn_component::{Router, router};
use cairn_registry::model::Namespace;
use http::Request;
use http_body_util::Full;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::{
    listen::{self, json},
    subject::{Site, unspoken},
};

/// The page that everybody sends.
pub(crate) const PAGE: &str = "/v0.1/servers?limit=30";
/// The word that makes this programme the child.
pub(crate) const VERB: &str = "peers";

/// Where the three listen.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Addresses {
    pub(crate) bare: SocketAddr,
    pub(crate) native: SocketAddr,
    pub(crate) host: SocketAddr,
}

/// The child, ended when this is dropped.
pub(crate) struct Peers {
    child: Child,
    pub(crate) addresses: Addresses,
}

impl Peers {
    pub(crate) fn start(site: &Site) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        unspoken(&mut command);
        let mut child = command
            .arg(VERB)
            .arg(&site.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(site.folder.join("peers.log"))?)
            .spawn()?;
        let stdout = child.stdout.take();
        let mut peers = Self {
            child,
            addresses: Addresses {
                bare: ([127, 0, 0, 1], 0).into(),
                native: ([127, 0, 0, 1], 0).into(),
                host: ([127, 0, 0, 1], 0).into(),
            },
        };
        let said = stdout.map(first_line).transpose()?.unwrap_or_default();
        peers.addresses = serde_json::from_str(&said).context("the peers did not come up")?;
        Ok(peers)
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }
}

fn first_line(stdout: ChildStdout) -> Result<String> {
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    Ok(line)
}

impl Drop for Peers {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The child's work: serves until it is ended.
pub(crate) async fn run(folder: &Path) -> Result<()> {
    let config = configuration(folder)?;
    log::init(&config.log)?;
    let native = router(Libsql::open(&config.database)?, Namespace::default());
    let page = native
        .answer(&Request::get(PAGE).body(())?)
        .await
        .into_body();
    let bare = listen::listen(move |_| {
        let page = page.clone();
        async move { json(page) }
    })
    .await?;
    let native = listen_natively(native).await?;
    let (bound, address) = oneshot::channel();
    let host = tokio::spawn(host(config, bound));
    let addresses = Addresses {
        bare,
        native,
        host: address.await.context("the host did not come up")?,
    };
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", serde_json::to_string(&addresses)?)?;
    stdout.flush()?;
    host.await?
}

fn configuration(folder: &Path) -> Result<Arc<Config>> {
    let overrides = Overrides {
        data_dir: Some(folder.display().to_string()),
        log_format: Some("json".to_owned()),
        sync: Some(false),
        ..Overrides::default()
    };
    let file = folder.join("config.yaml");
    Ok(Arc::new(config::load(Some(&file), &overrides, &Process)?))
}

async fn listen_natively(router: Router<Libsql>) -> Result<SocketAddr> {
    let router = Arc::new(router);
    listen::listen(move |request| {
        let router = Arc::clone(&router);
        async move { router.answer(&request).await.map(Full::<Bytes>::new) }
    })
    .await
}

/// As `cairn serve` does it, without the daemon.
async fn host(config: Arc<Config>, bound: oneshot::Sender<SocketAddr>) -> Result<()> {
    let health = Arc::new(Health::default());
    health.set_schema(Schema {
        status: "current",
        version: None,
    });
    serve::run(serve::Options {
        component: guest::embedded()
            .context("built without a component: run `cargo xtask bench`")?,
        offer: guest::Offer {
            db: Libsql::open(&config.database)?.into(),
            variables: Arc::default(),
        },
        health,
        metrics: Arc::new(Metrics::new()?),
        tracer: None,
        stop: Box::pin(std::future::pending()),
        after: Box::pin(async {}),
        bound: Box::new(|at| {
            let _ = bound.send(at.public);
        }),
        config,
    })
    .await
}

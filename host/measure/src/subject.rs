//! The binary under test as a child process: synchronising once, or serving.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use cairn::{
    config::{self, Lookup, Overrides, model::Database},
    db::Libsql,
    sync,
};
use cairn_registry::{ops::configure::SourceSpec, store::Db};

use crate::process::{self, Memory};

/// How often a child is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// A child that takes longer than this to come up never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// The source that everything is read from.
pub(crate) const SOURCE: &str = "measured";

/// An environment in which nothing is set.
struct Nothing;

impl Lookup for Nothing {
    fn get(&self, _: &str) -> Option<String> {
        None
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A folder with a configuration and the database that it leads to.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) folder: PathBuf,
}

impl Site {
    /// Writes a configuration whose only source has this origin, in YAML; `further` are more keys.
    pub(crate) fn write(folder: PathBuf, origin: &str, further: &str) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        let configuration = format!(
            "address: 127.0.0.1:0\ninternalAddress: 127.0.0.1:0\nsources:\n  - name: {SOURCE}\n    {origin}\n    \
             syncPolicy: {{interval: 1h}}\nregistries:\n  - name: default\n    sources: [{SOURCE}]\n{further}"
        );
        fs::write(folder.join("config.yaml"), configuration)?;
        Ok(Self { folder })
    }

    pub(crate) fn configuration(&self) -> PathBuf {
        self.folder.join("config.yaml")
    }

    /// Its only source.
    pub(crate) fn source(&self) -> Result<SourceSpec> {
        let file = self.configuration();
        let config = config::load(Some(&file), &Overrides::default(), &Nothing)?;
        let source = config.sources.first().context("no source")?;
        Ok(sync::spec(&config, source)?)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.join("cairn.db")
    }

    /// Numbers that a statement gives, in one row.
    pub(crate) async fn numbers(&self, sql: &str) -> Result<Vec<i64>> {
        let database = Database {
            postgres: None,
            server: config::Server::default(),
            path: self.database(),
            readers: 1,
            busy_timeout: PATIENCE,
        };
        let db = Libsql::open(&database)?;
        let rows = db.query(sql, Vec::new()).await;
        db.close().await;
        let mut row = rows?.pop().context("no row")?;
        let mut numbers = Vec::new();
        while let Ok(number) = row.integer() {
            numbers.push(number);
        }
        Ok(numbers)
    }

    /// A command of the binary on this site.
    fn command(&self, binary: &Path, verb: &str) -> Result<Command> {
        let mut command = Command::new(binary);
        command
            .arg(verb)
            .arg("--config")
            .arg(self.configuration())
            .arg("--data-dir")
            .arg(&self.folder)
            .args(["--log-format", "json"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.log(verb))?);
        unspoken(&mut command);
        Ok(command)
    }

    fn log(&self, verb: &str) -> PathBuf {
        self.folder.join(format!("{verb}.log"))
    }

    /// `cairn sync --once`.
    pub(crate) async fn sync(&self, binary: &Path) -> Result<Synced> {
        let begun = Instant::now();
        let mut child = self.command(binary, "sync")?.arg("--once").spawn()?;
        let (mut peak, mut spent) = (0, Duration::ZERO);
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            peak = process::memory(child.id()).map_or(peak, |memory| memory.peak.max(peak));
            spent = process::processor_time(child.id()).unwrap_or(spent);
            tokio::time::sleep(LOOK).await;
        };
        let took = begun.elapsed();
        ensure!(
            status.success(),
            "cairn sync failed, see {}",
            self.log("sync").display()
        );
        let log = fs::read_to_string(self.log("sync"))?;
        let said = log.lines().find_map(synchronised);
        let (read, written) = said.unwrap_or_default();
        Ok(Synced {
            took,
            spent,
            peak,
            read,
            written,
        })
    }

    /// `cairn serve` without the daemon. Returns as soon as it listens.
    pub(crate) fn serve(&self, binary: &Path) -> Result<Serving> {
        let mut command = self.command(binary, "serve")?;
        command.arg("--sync=false");
        Serving::start(command, self.log("serve"))
    }
}

/// What the environment says to cairn is not heard by what is measured.
pub(crate) fn unspoken(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CAIRN_") || text.starts_with("THV_REGISTRY_") || text == "LOG_LEVEL" {
            command.env_remove(name);
        }
    }
}

/// What a run of the daemon took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Synced {
    pub(crate) took: Duration,
    /// Processor time.
    pub(crate) spent: Duration,
    /// Bytes.
    pub(crate) peak: u64,
    /// Records read, as the daemon says; none when it found its source unchanged.
    pub(crate) read: u64,
    /// Entries written, as the daemon says.
    pub(crate) written: u64,
}

/// A server, ended when this is dropped.
pub(crate) struct Serving {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Serving {
    fn start(mut command: Command, log: PathBuf) -> Result<Self> {
        let mut child = command.spawn()?;
        let begun = Instant::now();
        loop {
            let said = fs::read_to_string(&log).unwrap_or_default();
            if let Some(address) = said.lines().find_map(listening) {
                return Ok(Self { child, address });
            }
            if child.try_wait()?.is_some() || begun.elapsed() > PATIENCE {
                let _ = child.kill();
                bail!("the server did not come up, see {}", log.display());
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn memory(&self) -> Result<Memory> {
        process::memory(self.child.id())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Records read and written, from the line of the log that tells them.
fn synchronised(line: &str) -> Option<(u64, u64)> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    (line.get("message")? == "synchronised").then_some(())?;
    Some((line.get("read")?.as_u64()?, line.get("written")?.as_u64()?))
}

/// The public address, from the line of the log that tells it.
fn listening(line: &str) -> Option<SocketAddr> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    (line.get("message")? == "listening").then_some(())?;
    line.get("address")?.as_str()?.parse().ok()
}

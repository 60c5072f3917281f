//! The same component in Spin, where there is one.

use std::{
    env, fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use crate::{load::get, peers::PAGE, rows::Bench, subject::Site};

const PATIENCE: Duration = Duration::from_secs(60);

/// Spin with our component, ended when this is dropped.
pub(crate) struct Spin {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Spin {
    /// `None` where there is no Spin.
    pub(crate) async fn start(bench: &Bench, site: &Site) -> Result<Option<Self>> {
        let path = env::var_os("PATH").unwrap_or_default();
        if !env::split_paths(&path).any(|folder| folder.join("spin").is_file()) {
            return Ok(None);
        }
        let folder = bench.stock.scratch("spin")?;
        let manifest = folder.join("spin.toml");
        let text = fs::read_to_string(&bench.manifest)?;
        fs::write(&manifest, with_source(&text, &bench.component))?;
        let runtime = folder.join("runtime.toml");
        let database = site.database();
        fs::write(
            &runtime,
            format!("[sqlite_database.default]\ntype = \"spin\"\npath = {database:?}\n"),
        )?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = Command::new("spin")
            .args(["up", "--quiet", "--listen", &address.to_string(), "--from"])
            .arg(&manifest)
            .arg("--runtime-config-file")
            .arg(&runtime)
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("spin.log"))?)
            .spawn()?;
        let spin = Self { child, address };
        spin.answers(&folder.join("spin.log")).await?;
        Ok(Some(spin))
    }

    async fn answers(&self, log: &Path) -> Result<()> {
        let begun = Instant::now();
        while get(self.address, PAGE).await.is_err() {
            if begun.elapsed() > PATIENCE {
                bail!("Spin does not answer, see {}", log.display());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// The process whose processor time is told. `spin up` has the trigger as a child, which alone does the work.
    pub(crate) fn process(&self) -> u32 {
        let own = self.child.id();
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children"));
        let first = children.unwrap_or_default();
        let first = first.split_whitespace().next();
        first.and_then(|id| id.parse().ok()).unwrap_or(own)
    }
}

/// The manifest with another file as the component.
fn with_source(manifest: &str, component: &Path) -> String {
    let line = |line: &str| match line.starts_with("source = ") {
        true => format!("source = {component:?}\n"),
        false => format!("{line}\n"),
    };
    manifest.lines().map(line).collect()
}

impl Drop for Spin {
    fn drop(&mut self) {
        // Ctrl-C is what `spin up` passes on to its trigger; killed, it would leave it behind.
        let _ = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status();
        let _ = self.child.wait();
    }
}

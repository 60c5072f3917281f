//! `cargo xtask run`: from a fresh clone to a registry one can look at. In the end this program becomes the server: what
//! is sent to it, a Ctrl-C or a signal, reaches the server, and the server's exit code is its own.

use std::{
    ffi::OsString,
    fs,
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    announce,
    build::{self, Profile},
    cargo::Workspace,
    term,
};

/// Configuration of the sample catalog, below the root.
pub(crate) const SAMPLE: &str = "deploy/sample/config.yaml";

/// Name of the database in its folder.
const DATABASE: &str = "cairn.db";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Port of the registry; probes and metrics get the next free one
    #[arg(long, value_name = "N", default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Start with an empty database: what earlier runs stored is removed
    #[arg(long)]
    fresh: bool,
    /// Folder of the database [default: .cairn in the project]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let public = loopback(args.port);
    require_free(public)?;
    let internal = loopback(free_after(args.port)?);
    let data = match &args.data_dir {
        Some(folder) => std::path::absolute(folder)?,
        None => workspace.root.join(".cairn"),
    };
    if !is_built(workspace) {
        foretell(workspace);
    }
    let wasm = build::component(workspace)?;
    let binary = build::host(workspace, Profile::Release, &wasm)?;
    let database = data.join(DATABASE);
    if args.fresh {
        remove(&database)?;
    }
    fs::create_dir_all(&data).with_context(|| format!("{} cannot be made", data.display()))?;
    term::step(&format!("serving {SAMPLE} on {public}"));
    announce::start(public, internal, &database)?;
    become_server(workspace, &binary, public, internal, &data)
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// Says plainly what is wrong with the port, before anything is built.
fn require_free(address: SocketAddr) -> Result<()> {
    let port = address.port();
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let other = free_after(port).unwrap_or(8090);
            bail!(
                "port {port} is in use by another program: choose one with --port, for example --port {other}"
            )
        }
        Err(error) => bail!("port {port} cannot be used ({error}): choose one with --port"),
    }
}

/// The next port that nobody listens on.
fn free_after(port: u16) -> Result<u16> {
    (port..=u16::MAX)
        .skip(1)
        .find(|&port| TcpListener::bind(loopback(port)).is_ok())
        .with_context(|| format!("no port above {port} is free: choose another one with --port"))
}

fn is_built(workspace: &Workspace) -> bool {
    workspace.target.join("release/cairn").is_file()
}

fn foretell(workspace: &Workspace) {
    term::step(&format!(
        "the first build takes {} and 1.5 GB in {}; later starts take a second or two",
        build::about(24),
        workspace.target.display()
    ));
}

/// Removes the database, and nothing else that may lie beside it.
fn remove(database: &Path) -> Result<()> {
    term::step(&format!("removing {}", database.display()));
    for suffix in ["", "-wal", "-shm"] {
        let mut file = OsString::from(database);
        file.push(suffix);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                bail!("{} cannot be removed: {error}", Path::new(&file).display())
            }
            _ => {}
        }
    }
    Ok(())
}

/// Returns only if the server cannot be started.
fn become_server(
    workspace: &Workspace,
    binary: &Path,
    public: SocketAddr,
    internal: SocketAddr,
    data: &Path,
) -> Result<()> {
    let mut server = Command::new(binary);
    server
        .current_dir(&workspace.root)
        .args(["serve", "--sync", "--config", SAMPLE])
        .args(["--address", &public.to_string()])
        .args(["--internal-address", &internal.to_string()])
        .arg("--data-dir")
        .arg(data);
    let error = build::unspoken(&mut server).exec();
    Err(error).with_context(|| format!("{} does not start", binary.display()))
}

#[cfg(test)]
mod tests {
    use std::{env, fs::File};

    use super::*;

    #[test]
    fn a_busy_port_is_said_with_another_one_that_is_free() {
        let taken = TcpListener::bind(loopback(0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let message = require_free(loopback(port)).unwrap_err().to_string();
        let said = format!("port {port} is in use by another program: choose one with --port");
        assert!(message.starts_with(&said), "{message}");
        assert!(free_after(port).unwrap() > port);
    }

    #[test]
    fn a_fresh_start_removes_the_database_and_nothing_beside_it() {
        let folder = env::temp_dir().join(format!("xtask-fresh-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let names = ["cairn.db", "cairn.db-wal", "mine.txt"];
        for name in names {
            File::create(folder.join(name)).unwrap();
        }
        remove(&folder.join(DATABASE)).unwrap();
        let left = names.map(|name| folder.join(name).exists());
        assert_eq!(left, [false, false, true]);
        remove(&folder.join(DATABASE)).unwrap();
        fs::remove_dir_all(folder).unwrap();
    }
}

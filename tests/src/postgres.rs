//! A Postgres server of one's own: an unprivileged user, an own folder, a free port, nothing that survives. It needs the
//! programs of a Postgres installation and nothing else, so that `cargo xtask` can compile this file too.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

/// A server that ends with this value or, whatever happens, with this process.
pub struct Postgres {
    /// A shell that waits at a pipe which only this process holds open, then stops the server and removes its folder.
    leash: Child,
    port: u16,
}

const LEASH: &str = r#"folder=$1; shift
    "$@" 2>&1 </dev/null & exec >/dev/null 2>&1
    read -r _; kill -INT $!; wait $!; rm -rf -- "$folder""#;

/// Tests lose nothing when the machine does.
const SETTINGS: [&str; 8] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=200",
    "shared_buffers=64MB",
    "log_min_messages=error",
];

impl Postgres {
    /// Starts one; else tells why there is none.
    pub fn start() -> Result<Self, String> {
        let programs = programs().ok_or("there are no Postgres server programs")?;
        let user = unprivileged()?;
        let folder = folder(user)?;
        let data = folder.join("data");
        let made = initialise(&programs, user, &folder, &data);
        if let Err(why) = made {
            drop(fs::remove_dir_all(&folder));
            return Err(why);
        }
        let port = free_port()?;
        let mut command = Command::new("sh");
        command.args(["-c", LEASH, "leash"]).arg(&folder);
        command.arg(programs.join("postgres")).arg("-D").arg(&data);
        command.args(["-p", &port.to_string()]);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.current_dir(&folder);
        let leash = as_user(&mut command, user)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("sh does not start: {error}"))?;
        let mut server = Self { leash, port };
        server.wait_until_ready(&programs)?;
        Ok(server)
    }

    /// Where its superuser reaches it: any password will do.
    pub fn url(&self) -> String {
        format!(
            "postgres://cairn@127.0.0.1:{}/postgres?sslmode=disable",
            self.port
        )
    }

    fn wait_until_ready(&mut self, programs: &Path) -> Result<(), String> {
        for _ in 0..200 {
            let ready = Command::new(programs.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .status();
            if ready.is_ok_and(|status| status.success()) {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        drop(self.leash.stdin.take());
        let said = self.leash.stdout.take().map(BufReader::new);
        let lines = said.map(|said| said.lines().map_while(Result::ok).collect::<Vec<_>>());
        Err(format!(
            "Postgres does not start: {}",
            lines.unwrap_or_default().join("; ")
        ))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.leash.stdin.take());
        drop(self.leash.wait());
    }
}

/// The folder of the newest server's programs.
pub fn programs() -> Option<PathBuf> {
    let packaged = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut found: Vec<(u32, PathBuf)> = packaged
        .filter_map(|version| {
            let version = version.ok()?;
            let number = version.file_name().to_str()?.parse().ok()?;
            Some((number, version.path().join("bin")))
        })
        .filter(|(_, folder)| folder.join("initdb").is_file())
        .collect();
    found.sort();
    let on_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|folder| folder.join("initdb").is_file())
    };
    found.pop().map(|(_, folder)| folder).or_else(on_path)
}

/// Whether a server could be started here.
pub fn is_installed() -> bool {
    programs().is_some()
}

/// Postgres does not run as root: somebody else's numbers, if that is who we are.
fn unprivileged() -> Result<Option<(u32, u32)>, String> {
    if number(["-u"]) != Some(0) {
        return Ok(None);
    }
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| Some((number(["-u", name])?, number(["-g", name])?)))
        .map(Some)
        .ok_or_else(|| "Postgres does not run as root, and there is no other user".to_owned())
}

fn number<const N: usize>(arguments: [&str; N]) -> Option<u32> {
    let output = Command::new("id")
        .args(arguments)
        .stderr(Stdio::null())
        .output();
    let output = output.ok().filter(|output| output.status.success())?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

fn as_user(command: &mut Command, user: Option<(u32, u32)>) -> &mut Command {
    match user {
        Some((user, group)) => command.uid(user).gid(group),
        None => command,
    }
}

fn folder(user: Option<(u32, u32)>) -> Result<PathBuf, String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let name = format!(
        "cairn-postgres-{}-{}-{}",
        std::process::id(),
        now.subsec_nanos(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    let folder = std::env::temp_dir().join(name);
    let made = fs::create_dir(&folder).and_then(|()| match user {
        Some((user, group)) => chown(&folder, Some(user), Some(group)),
        None => Ok(()),
    });
    made.map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

/// With a collation that does not go by bytes, where there is one: what relies on the database's own order then fails.
fn initialise(
    programs: &Path,
    user: Option<(u32, u32)>,
    folder: &Path,
    data: &Path,
) -> Result<(), String> {
    let locales: [&[&str]; 2] = [
        &["--locale-provider=icu", "--icu-locale=en", "--locale=C"],
        &["--locale=C"],
    ];
    let mut why = String::new();
    for locale in locales {
        let mut command = Command::new(programs.join("initdb"));
        command
            .args(
                [
                    "-U",
                    "cairn",
                    "-A",
                    "trust",
                    "-E",
                    "UTF8",
                    "--no-sync",
                    "-D",
                ]
                .map(OsStr::new),
            )
            .arg(data)
            .args(locale)
            .current_dir(folder);
        match as_user(&mut command, user).output() {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => why = String::from_utf8_lossy(&output.stderr).into_owned(),
            Err(error) => why = error.to_string(),
        }
        drop(fs::remove_dir_all(data));
    }
    Err(format!("initdb: {}", why.trim()))
}

fn free_port() -> Result<u16, String> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| format!("no free port: {error}"))
}

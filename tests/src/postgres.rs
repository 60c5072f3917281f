//! A Postgres server of one's own: an unprivileged user, an own folder, a free port, nothing that survives. It needs the
//! programs of a Postgres installation and nothing else, so that `cargo xtask` can compile this file too.

use std::{
    fs::{self, Permissions},
    io::{BufRead, BufReader, Lines, Write},
    net::TcpListener,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

/// A server that ends with this value or, whatever happens, with this process.
pub struct Postgres {
    /// A shell that takes orders from a pipe which only this process holds open. At its end it stops the server and removes
    /// its folder.
    leash: Child,
    said: Lines<BufReader<ChildStdout>>,
    place: Place,
    port: u16,
}

/// Where a server lies, and as whom it runs.
struct Place {
    programs: PathBuf,
    user: Option<(u32, u32)>,
    folder: PathBuf,
}

/// How a server is stopped.
#[derive(Debug, Clone, Copy)]
pub enum Stop {
    /// Connections are closed, everything is written down.
    Fast,
    /// As if the machine had lost its power, were it not for what the system has in memory.
    Immediate,
}

/// An order is `start`, or the name of a signal to the server; each is answered when it has been carried out.
const LEASH: &str = r#"folder=$1; shift
    while read -r order; do
        case $order in
            start) "$@" >>"$folder/log" 2>&1 </dev/null & server=$! ;;
            *) kill -s "$order" "$server"; wait "$server" ;;
        esac
        echo done
    done 2>/dev/null
    kill -s INT "$server" 2>/dev/null; wait "$server"; rm -rf -- "$folder""#;

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
        Self::with(&[], &[])
    }

    /// Starts one whose programs lie in that folder, of another version perhaps.
    pub fn of(programs: &Path) -> Result<Self, String> {
        let place = Place::of(programs)?;
        place.initialise()?;
        Self::run(place, &[])
    }

    /// Starts one with more settings, and with files such as `server.key` or `pg_hba.conf` in its data folder.
    pub fn with(settings: &[&str], files: &[(&str, &[u8])]) -> Result<Self, String> {
        let place = Place::new()?;
        place.initialise()?;
        for (name, content) in files {
            place.write(name, content)?;
        }
        Self::run(place, settings)
    }

    /// Starts a streaming standby of this one.
    pub fn standby(&self, settings: &[&str]) -> Result<Self, String> {
        let place = Place::new()?;
        let port = self.port.to_string();
        let mut copy = place.command("pg_basebackup");
        copy.args(["-h", "127.0.0.1", "-U", "cairn", "-p", &port, "-D"])
            .arg(place.data())
            .args(["-R", "-X", "stream", "-c", "fast", "--no-sync"]);
        place
            .perform(copy)
            .inspect_err(|_| drop(fs::remove_dir_all(&place.folder)))?;
        Self::run(place, settings)
    }

    fn run(place: Place, settings: &[&str]) -> Result<Self, String> {
        let port = free_port()?;
        let mut command = Command::new("sh");
        command.args(["-c", LEASH, "leash"]).arg(&place.folder);
        command.arg(place.programs.join("postgres"));
        command.arg("-D").arg(place.data());
        command.args(["-p", &port.to_string()]);
        for setting in SETTINGS.iter().chain(settings) {
            command.args(["-c", setting]);
        }
        command.current_dir(&place.folder);
        let mut leash = as_user(&mut command, place.user)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("sh does not start: {error}"))?;
        let said = leash.stdout.take().ok_or("sh has no output")?;
        let mut server = Self {
            leash,
            said: BufReader::new(said).lines(),
            place,
            port,
        };
        server.resume()?;
        Ok(server)
    }

    /// Where its superuser reaches it: any password will do.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The same for a database of that name.
    pub fn url_of(&self, database: &str) -> String {
        format!(
            "postgres://cairn@127.0.0.1:{}/{database}?sslmode=disable",
            self.port
        )
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops it. Its data stays, and so does its port.
    pub fn stop(&mut self, how: Stop) {
        self.order(match how {
            Stop::Fast => "INT",
            Stop::Immediate => "QUIT",
        });
    }

    /// Starts it again, and waits until it takes connections.
    pub fn resume(&mut self) -> Result<(), String> {
        self.order("start");
        for _ in 0..1000 {
            let mut ask = self.place.command("pg_isready");
            ask.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
            if ask.status().is_ok_and(|status| status.success()) {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let said = fs::read_to_string(self.place.folder.join("log")).unwrap_or_default();
        Err(format!("Postgres does not start: {}", said.trim()))
    }

    /// A leash that is gone has taken the server with it: whoever asks the server next will see.
    fn order(&mut self, word: &str) {
        if let Some(pipe) = &mut self.leash.stdin
            && writeln!(pipe, "{word}").is_ok()
        {
            drop(self.said.next());
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.leash.stdin.take());
        drop(self.leash.wait());
    }
}

impl Place {
    /// An empty folder for a server that can be started here.
    fn new() -> Result<Self, String> {
        let programs = programs().ok_or("there are no Postgres server programs")?;
        Self::of(&programs)
    }

    fn of(programs: &Path) -> Result<Self, String> {
        let user = unprivileged()?;
        let place = Self {
            programs: programs.to_owned(),
            user,
            folder: folder(user)?,
        };
        if user.is_none() || place.command("postgres").arg("--version").output().is_ok() {
            return Ok(place);
        }
        // Where the user may not go it gets a copy.
        let own = place.folder.join("installation");
        let mut copy = Command::new("cp");
        copy.arg("-r").arg(programs.join("..")).arg(&own);
        place.perform(copy)?;
        Ok(Self {
            programs: own.join("bin"),
            ..place
        })
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// A program of the installation. One that it does not have, a client's, may be of any other.
    fn command(&self, program: &str) -> Command {
        let own = self.programs.join(program);
        let mut command = match own.is_file() {
            true => Command::new(own),
            false => Command::new(program),
        };
        command.current_dir(&self.folder);
        as_user(&mut command, self.user);
        command
    }

    fn perform(&self, mut command: Command) -> Result<(), String> {
        let program = command.get_program().to_string_lossy().into_owned();
        let failed = |why: String| {
            drop(fs::remove_dir_all(self.data()));
            format!("{program}: {}", why.trim())
        };
        match command.output() {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(failed(String::from_utf8_lossy(&output.stderr).into_owned())),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    /// With a collation that does not go by bytes, where there is one: what relies on the database's own order then fails.
    fn initialise(&self) -> Result<(), String> {
        let with = |locale: &[&str]| {
            let mut command = self.command("initdb");
            command
                .args(["-U", "cairn", "-A", "trust", "-E", "UTF8", "--no-sync"])
                .args(locale)
                .arg("-D")
                .arg(self.data());
            self.perform(command)
        };
        with(&["--locale-provider=icu", "--icu-locale=en", "--locale=C"])
            .or_else(|_| with(&["--locale=C"]))
            .inspect_err(|_| drop(fs::remove_dir_all(&self.folder)))
    }

    /// A file of the server's own, which nobody else reads.
    fn write(&self, name: &str, content: &[u8]) -> Result<(), String> {
        let path = self.data().join(name);
        let written = fs::write(&path, content)
            .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(0o600)))
            .and_then(|()| match self.user {
                Some((user, group)) => chown(&path, Some(user), Some(group)),
                None => Ok(()),
            });
        written.map_err(|error| format!("{}: {error}", path.display()))
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

/// Below the ports that the system gives to outgoing connections: whoever knocks in vain at a server that is stopped must
/// not be given the server's own port, and so find itself.
fn free_port() -> Result<u16, String> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const FIRST: u32 = 12_000;
    const MANY: u32 = 18_000;
    let start = std::process::id().wrapping_mul(97);
    for _ in 0..MANY {
        let at = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST + at % MANY).unwrap_or_default();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err("no port is free".to_owned())
}

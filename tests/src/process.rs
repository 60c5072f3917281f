//! Child processes: what they say, and that they end. Only processes started here are ever signalled, by their id.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// Lines of a child, collected while it runs.
#[derive(Clone, Default)]
pub struct Log(Arc<(Mutex<Lines>, Condvar)>);

#[derive(Default)]
struct Lines {
    all: Vec<String>,
    ended: bool,
}

impl Log {
    /// Collects until the stream ends.
    pub fn follow(stream: impl Read + Send + 'static) -> Self {
        let log = Self::default();
        let writer = log.clone();
        thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                writer.change(|lines| lines.all.push(line));
            }
            writer.change(|lines| lines.ended = true);
        });
        log
    }

    fn change(&self, change: impl FnOnce(&mut Lines)) {
        change(&mut self.lock());
        self.0.1.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first line of which `found` makes something; `None` when the child ended or time is over without one.
    pub fn wait<T>(&self, patience: Duration, found: impl Fn(&str) -> Option<T>) -> Option<T> {
        let end = Instant::now() + patience;
        let mut lines = self.lock();
        loop {
            if let Some(found) = lines.all.iter().find_map(|line| found(line)) {
                return Some(found);
            }
            let left = end.saturating_duration_since(Instant::now());
            if lines.ended || left.is_zero() {
                return None;
            }
            lines = self
                .0
                .1
                .wait_timeout(lines, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Whether the child has closed its stream, as at its end.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.lock().ended
    }

    /// Everything so far.
    #[must_use]
    pub fn text(&self) -> String {
        self.lock().all.join("\n")
    }
}

/// Shells that wait at a pipe which only this process holds open: their children's leashes.
static LEASHES: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// Starts a program for the whole life of this process: it is told to end when this process ends, in whatever way, and
/// `folder` is then removed. What it says on either stream is collected.
pub fn leashed(mut program: Command, folder: &Path) -> Log {
    const SCRIPT: &str = r#"folder=$1; shift
        "$@" 2>&1 </dev/null & exec >/dev/null 2>&1
        read -r _; kill -TERM $!; wait $!; rm -rf -- "$folder""#;
    let mut shell = Command::new("sh");
    shell.args(["-c", SCRIPT, "leash"]).arg(folder);
    shell.arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    if let Some(folder) = program.get_current_dir() {
        shell.current_dir(folder);
    }
    program = shell;
    let mut child = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let log = Log::follow(child.stdout.take().expect("its output"));
    LEASHES
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(child);
    log
}

/// Sends a signal, such as `TERM`, to a child of ours.
pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("sh")
        .args([
            "-c",
            "kill -s \"$1\" \"$2\"",
            "kill",
            name,
            &child.id().to_string(),
        ])
        .status();
    assert!(sent.is_ok_and(|status| status.success()), "kill -s {name}");
}

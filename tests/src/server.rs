//! A native host that a test has for itself. It is told to end with the value, and shows what it said when the test
//! fails.

use std::{
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::{
    Client,
    process::{self, Log},
    until,
};

/// A start includes compiling the component where nobody has done that before.
const START: Duration = Duration::from_secs(60);

/// A running server.
pub struct Server {
    /// The public listener.
    pub public: Client,
    /// The internal one.
    pub internal: Client,
    pub log: Log,
    child: Child,
}

impl Server {
    /// Starts it and waits until it listens.
    #[must_use]
    pub fn start(command: Command) -> Self {
        match Self::try_start(command) {
            Ok(server) => server,
            Err(said) => panic!("the server does not start:\n{said}"),
        }
    }

    /// The same, or what it said before it ended.
    pub fn try_start(mut command: Command) -> Result<Self, String> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary");
        let log = Log::follow(child.stderr.take().expect("its log"));
        let Some((public, internal)) = log.wait(START, listening) else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(log.text());
        };
        Ok(Self {
            public: Client::new(public),
            internal: Client::new(internal),
            log,
            child,
        })
    }

    pub fn wait_ready(&self) {
        until("the server to be ready", START, || {
            (self.internal.get("/readyz").status == 200).then_some(())
        });
    }

    /// What the internal probe says of a source.
    #[must_use]
    pub fn source(&self, name: &str) -> Value {
        self.internal.get("/readyz").json()["components"]["sources"][name].clone()
    }

    /// A figure of `/metrics`, by the beginning of its line; `None` when it is not there.
    #[must_use]
    pub fn metric(&self, beginning: &str) -> Option<f64> {
        let text = self.internal.get("/metrics");
        let line = text
            .text()
            .lines()
            .find(|line| line.starts_with(beginning))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    /// Its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, name: &str) {
        process::signal(&self.child, name);
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        until("the server to end", START, || {
            self.child.try_wait().expect("a child")
        })
    }

    /// SIGTERM, and how it ended.
    #[must_use]
    pub fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- the server said:\n{}", self.log.text());
        }
    }
}

/// Both addresses, from the line that tells them.
#[must_use]
pub fn listening(line: &str) -> Option<(String, String)> {
    let line: Value = serde_json::from_str(line).ok()?;
    let fields = line.get("fields").unwrap_or(&line);
    (fields["message"] == "listening").then_some(())?;
    let text = |field: &str| fields[field].as_str().map(str::to_owned);
    Some((text("address")?, text("internal_address")?))
}

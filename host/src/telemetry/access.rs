//! One line per request. It is written here rather than through the log's own machinery, because a cached page costs a
//! few microseconds in all and a line of that machinery costs as much again.

use std::{
    fmt::Write as _,
    io::Write as _,
    net::IpAddr,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::escape;

/// How long a line may wait for others.
const GATHER: Duration = Duration::from_millis(50);

/// Bytes that may wait. When whoever reads the log is slower than that, lines are left out and counted.
const WAITING: usize = 4 << 20;

/// Level of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Info,
    Debug,
}

impl Level {
    fn is_wanted(self) -> bool {
        match self {
            Self::Info => tracing::enabled!(target: "cairn::access", tracing::Level::INFO),
            Self::Debug => tracing::enabled!(target: "cairn::access", tracing::Level::DEBUG),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
        }
    }
}

/// Bytes of a user agent that are logged.
const AGENT: usize = 256;

/// What is told about a request.
pub(crate) struct Line<'a> {
    pub(crate) level: Level,
    /// The peer, or who a trusted proxy says it was.
    pub(crate) client: IpAddr,
    /// Empty where there was none.
    pub(crate) agent: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) method: &'static str,
    pub(crate) path: &'a str,
    pub(crate) status: u16,
    pub(crate) took: Duration,
    pub(crate) bytes: u64,
    pub(crate) cache: &'static str,
}

static LINES: OnceLock<Lines> = OnceLock::new();

struct Lines {
    json: bool,
    waiting: Mutex<Waiting>,
    left_out: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    text: String,
    /// The second that `stamp` shows.
    second: u64,
    stamp: String,
}

/// Begins to write lines to standard error. Without this, or a second time, nothing happens.
pub(super) fn start(json: bool) {
    let lines = Lines {
        json,
        waiting: Mutex::default(),
        left_out: AtomicU64::new(0),
    };
    if LINES.set(lines).is_ok() {
        let _ = std::thread::Builder::new()
            .name("cairn-access-log".to_owned())
            .spawn(|| {
                loop {
                    std::thread::sleep(GATHER);
                    flush();
                }
            });
    }
}

/// Writes out what waits: at the end of the process, what was answered last is what one wants to read.
pub fn flush() {
    let Some(lines) = LINES.get() else { return };
    let text = std::mem::take(&mut lines.lock().text);
    if !text.is_empty() {
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
    let left_out = lines.left_out.swap(0, Ordering::Relaxed);
    if left_out > 0 {
        tracing::warn!(lines = left_out, "the access log is not read fast enough");
    }
}

/// Adds a line, if lines are wanted.
pub(crate) fn write(line: &Line<'_>) {
    let Some(lines) = LINES.get().filter(|_| line.level.is_wanted()) else {
        return;
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut waiting = lines.lock();
    if waiting.text.len() > WAITING {
        lines.left_out.fetch_add(1, Ordering::Relaxed);
        return;
    }
    waiting.turn_to(now.as_secs());
    let Waiting { text, stamp, .. } = &mut *waiting;
    let _ = if lines.json {
        json(text, stamp, now.subsec_micros(), line)
    } else {
        plain(text, stamp, now.subsec_micros(), line)
    };
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn turn_to(&mut self, second: u64) {
        if self.second != second || self.stamp.is_empty() {
            let stamp = i64::try_from(second)
                .ok()
                .and_then(|second| jiff::Timestamp::from_second(second).ok());
            let stamp = stamp.unwrap_or(jiff::Timestamp::UNIX_EPOCH);
            self.stamp = stamp.strftime("%Y-%m-%dT%H:%M:%S").to_string();
            self.second = second;
        }
    }
}

/// In the same shape as every other line of the log. Ids and paths need escaping: a path may hold a quotation mark.
fn json(text: &mut String, stamp: &str, micros: u32, line: &Line<'_>) -> std::fmt::Result {
    write!(
        text,
        r#"{{"timestamp":"{stamp}.{micros:06}Z","level":"{}","message":"request","request_id":""#,
        line.level.name()
    )?;
    escape::json(text, line.request_id);
    write!(text, r#"","method":"{}","path":""#, line.method)?;
    escape::json(text, line.path);
    // Whole numbers: a float costs as much to write as all the rest.
    let (micros, bytes) = (line.took.as_micros(), line.bytes);
    write!(
        text,
        r#"","status":{},"ms":{}.{:03},"bytes":{bytes},"cache":"{}","client":"{}","user_agent":""#,
        line.status,
        micros / 1000,
        micros % 1000,
        line.cache,
        line.client,
    )?;
    escape::json(text, line.agent());
    writeln!(text, r#"","target":"cairn::access"}}"#)
}

fn plain(text: &mut String, stamp: &str, micros: u32, line: &Line<'_>) -> std::fmt::Result {
    let Line {
        level,
        client,
        request_id,
        method,
        path,
        status,
        took,
        bytes,
        cache,
        ..
    } = line;
    let ms = took.as_secs_f64() * 1000.0;
    write!(text, "{stamp}.{micros:06}Z {:>5} {method} ", level.name())?;
    escape::plain(text, path);
    write!(
        text,
        " {status} {ms:.1} ms {bytes} B cache={cache} client={client} request_id={request_id} user_agent=\""
    )?;
    escape::plain(text, &line.agent().replace('"', "\\\""));
    text.push_str("\"\n");
    Ok(())
}

impl Line<'_> {
    fn agent(&self) -> &str {
        self.agent.get(..AGENT).unwrap_or(self.agent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_json_whatever_the_caller_sent() {
        let mut waiting = Waiting::default();
        waiting.turn_to(1_700_000_000);
        let line = Line {
            level: Level::Info,
            client: [192, 0, 2, 7].into(),
            agent: "a \"b\"\u{1b}[31m",
            request_id: "a\"b\\c",
            method: "GET",
            path: "/ü\"\u{7}/x",
            status: 200,
            took: Duration::from_micros(1500),
            bytes: 35,
            cache: "hit",
        };
        let mut text = String::new();
        json(&mut text, &waiting.stamp, 42, &line).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["timestamp"], "2023-11-14T22:13:20.000042Z");
        assert_eq!(value["request_id"], "a\"b\\c");
        assert_eq!(value["path"], "/ü\"\u{7}/x");
        assert_eq!(value["ms"], 1.5);
        assert_eq!(value["client"], "192.0.2.7");
        assert_eq!(value["user_agent"], "a \"b\"\u{1b}[31m");
        assert!(text.ends_with("}\n") && text.lines().count() == 1);
        text.clear();
        plain(&mut text, &waiting.stamp, 42, &line).unwrap();
        assert!(
            text.starts_with("2023-11-14T22:13:20.000042Z  INFO GET /ü"),
            "{text}"
        );
        assert!(text.contains(" client=192.0.2.7 "), "{text}");
        assert!(
            text.lines().count() == 1 && !text.contains(['\u{7}', '\u{1b}']),
            "{text:?}"
        );
    }
}

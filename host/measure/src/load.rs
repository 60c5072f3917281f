//! The load generator: clients that each keep one connection busy, one request at a time. It parses no more of an answer
//! than it needs to find its end, so that what is measured is the server.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use memchr::memmem;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::process;

/// Where requests go, and which.
#[derive(Clone)]
pub(crate) struct Target {
    /// The process that answers, for its processor time.
    pub(crate) process: u32,
    pub(crate) address: SocketAddr,
    requests: Arc<[Vec<u8>]>,
}

impl Target {
    /// Each path in turn; `headers` are lines without their ends.
    pub(crate) fn new<P: AsRef<str>>(
        process: u32,
        address: SocketAddr,
        paths: impl IntoIterator<Item = P>,
        headers: &[&str],
    ) -> Self {
        let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let request = |path: P| {
            let path = path.as_ref();
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n{lines}\r\n").into_bytes()
        };
        Self {
            process,
            address,
            requests: paths.into_iter().map(request).collect(),
        }
    }

    /// The same past the cache: what is measured is the way through the component.
    pub(crate) fn uncached<P: AsRef<str>>(
        process: u32,
        address: SocketAddr,
        paths: impl IntoIterator<Item = P>,
    ) -> Self {
        Self::new(process, address, paths, &["cache-control: no-cache"])
    }
}

/// What a while of load showed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    /// Answers per second.
    pub(crate) rate: f64,
    /// Milliseconds within which half of the answers came.
    pub(crate) p50: f64,
    /// Milliseconds within which 99 of 100 came.
    pub(crate) p99: f64,
    /// Microseconds of processor time that the server spent on an answer.
    pub(crate) cost: f64,
    /// Bytes of a body, on average.
    pub(crate) bytes: u64,
}

/// Puts a target under load by so many clients.
pub(crate) async fn drive(target: &Target, clients: usize, length: Duration) -> Result<Figures> {
    let spent = process::processor_time(target.process)?;
    let begun = Instant::now();
    let tasks: Vec<_> = (0..clients)
        .map(|number| tokio::spawn(client(target.clone(), number, begun + length)))
        .collect();
    let mut answers = Answers::default();
    for task in tasks {
        let more = task.await??;
        answers.latencies.extend(more.latencies);
        answers.bytes += more.bytes;
    }
    let took = begun.elapsed();
    let spent = process::processor_time(target.process)?.saturating_sub(spent);
    Ok(answers.figures(took, spent))
}

/// Answers that came in time.
#[derive(Default)]
struct Answers {
    /// Microseconds.
    latencies: Vec<u32>,
    bytes: u64,
}

impl Answers {
    fn figures(mut self, took: Duration, spent: Duration) -> Figures {
        self.latencies.sort_unstable();
        let count = self.latencies.len().max(1);
        let at = |share: f64| {
            let index = (count as f64 * share) as usize;
            let latency = self.latencies.get(index.min(count - 1));
            latency.map_or(0.0, |micros| f64::from(*micros) / 1000.0)
        };
        Figures {
            rate: self.latencies.len() as f64 / took.as_secs_f64(),
            p50: at(0.5),
            p99: at(0.99),
            cost: spent.as_secs_f64() * 1e6 / count as f64,
            bytes: self.bytes / count as u64,
        }
    }
}

async fn client(target: Target, number: usize, until: Instant) -> Result<Answers> {
    let mut connection = Connection::open(target.address).await?;
    let mut answers = Answers::default();
    for request in target.requests.iter().cycle().skip(number) {
        let begun = Instant::now();
        if begun >= until {
            break;
        }
        answers.bytes += connection.ask(request).await? as u64;
        let took = u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX);
        answers.latencies.push(took);
    }
    Ok(answers)
}

/// A connection that is kept.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let buffer = vec![0; 64 << 10];
        Ok(Self { stream, buffer })
    }

    /// Asks, and reads the answer to its end. Gives the size of the body.
    async fn ask(&mut self, request: &[u8]) -> Result<usize> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        let end = loop {
            let free = self.buffer.get_mut(filled..).unwrap_or_default();
            let read = self.stream.read(free).await?;
            ensure!(read > 0, "the server closed a connection in use");
            filled += read;
            let head = self.buffer.get(..filled).unwrap_or_default();
            if let Some(end) = memmem::find(head, b"\r\n\r\n") {
                break end + 4;
            }
        };
        let size = body_size(self.buffer.get(..end).unwrap_or_default())?;
        let mut left = (end + size).saturating_sub(filled);
        while left > 0 {
            let read = self.stream.read(&mut self.buffer).await?;
            ensure!(read > 0, "the server broke an answer off");
            left = left.saturating_sub(read);
        }
        Ok(size)
    }
}

/// What the head of a good answer says about its body.
fn body_size(head: &[u8]) -> Result<usize> {
    let head = std::str::from_utf8(head)?;
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    if !status.starts_with("HTTP/1.1 200") {
        bail!("the server answered {status:?}");
    }
    lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .context("an answer without a length")
}

/// Asks once for a body.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    let end = memmem::find(&bytes, b"\r\n\r\n").context("no answer")? + 4;
    let body = bytes.split_off(end);
    body_size(&bytes)?;
    Ok(body)
}

/// Loads several targets in turn, three rounds of it, so that what disturbs the machine disturbs all of them. Figures by
/// target, then by round.
pub(crate) async fn rounds(
    targets: &[&Target],
    clients: usize,
    length: Duration,
) -> Result<Vec<Vec<Figures>>> {
    let mut figures = vec![Vec::new(); targets.len()];
    for target in targets {
        drive(target, clients, length / 4).await?;
    }
    for _ in 0..3 {
        for (target, figures) in targets.iter().zip(&mut figures) {
            figures.push(drive(target, clients, length).await?);
        }
    }
    Ok(figures)
}

/// The one in the middle.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// How many answers of `a` there are to one of `b`: the median of the rounds.
pub(crate) fn ratio(a: &[Figures], b: &[Figures]) -> f64 {
    median(
        a.iter()
            .zip(b)
            .map(|(a, b)| a.rate / b.rate.max(f64::MIN_POSITIVE)),
    )
}

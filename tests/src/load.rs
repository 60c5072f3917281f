//! Clients that ask the same questions again and again while something happens, and what each was answered.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::Answer;

/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A target, and the only body that is right as an answer to it.
#[derive(Debug, Clone)]
pub struct Question {
    pub target: String,
    pub body: Vec<u8>,
}

impl Question {
    /// As a server answers it now.
    #[must_use]
    pub fn learn(authority: &str, target: &str) -> Self {
        let answer = ask(authority, target, &[]).unwrap_or_else(|why| panic!("{target}: {why}"));
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        Self {
            target: target.to_owned(),
            body: answer.body,
        }
    }
}

/// One request, and what came of it.
#[derive(Debug)]
pub struct Outcome {
    pub target: String,
    pub asked: Instant,
    pub took: Duration,
    pub reply: Reply,
}

/// What came of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// 200, with the body that it has to have.
    Right,
    /// 200, with another body: its beginning.
    Wrong(String),
    /// 503 with `Retry-After`.
    Later,
    /// Any other answer, or none.
    Failed(String),
}

/// The questions and how many ask them at the same time.
pub struct Load<'a> {
    pub clients: usize,
    pub questions: &'a [Question],
    /// Between two questions of a client.
    pub pause: Duration,
}

impl Load<'_> {
    /// Asks `endpoint(turn)` as long as `during` runs, each time on a connection of its own. `during` can see how many
    /// requests have come to an end.
    pub fn run<R>(
        &self,
        endpoint: impl Fn(usize) -> String + Sync,
        during: impl FnOnce(&AtomicUsize) -> R,
    ) -> (R, Vec<Outcome>) {
        let (over, all) = (AtomicBool::new(false), Mutex::new(Vec::new()));
        let ended = AtomicUsize::new(0);
        let done = thread::scope(|scope| {
            for client in 0..self.clients {
                let (over, ended, all, endpoint) = (&over, &ended, &all, &endpoint);
                scope.spawn(move || {
                    let outcomes = self.ask_on(client, (over, ended), endpoint);
                    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                    all.extend(outcomes);
                });
            }
            // A failure ends the clients too.
            let _end = End(&over);
            during(&ended)
        });
        let mut outcomes = all.into_inner().unwrap_or_else(PoisonError::into_inner);
        outcomes.sort_by_key(|outcome| outcome.asked);
        (done, outcomes)
    }

    fn ask_on(
        &self,
        client: usize,
        (over, ended): (&AtomicBool, &AtomicUsize),
        endpoint: &impl Fn(usize) -> String,
    ) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for turn in client.. {
            if over.load(Ordering::Acquire) {
                break;
            }
            // Not each turn another question, and some past the cache: it is to be used, and to be missed.
            let question = &self.questions[turn / 7 % self.questions.len()];
            let fresh: &[(&str, &str)] = match turn % 3 {
                0 => &[("Cache-Control", "no-cache")],
                _ => &[],
            };
            let asked = Instant::now();
            let answer = ask(&endpoint(turn), &question.target, fresh);
            outcomes.push(Outcome {
                target: question.target.clone(),
                asked,
                took: asked.elapsed(),
                reply: judge(answer, question),
            });
            ended.fetch_add(1, Ordering::Relaxed);
            thread::sleep(self.pause);
        }
        outcomes
    }
}

struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

fn judge(answer: Result<Answer, String>, question: &Question) -> Reply {
    match answer {
        Ok(answer) if answer.status == 200 && answer.body == question.body => Reply::Right,
        Ok(answer) if answer.status == 200 => {
            let body = String::from_utf8_lossy(&answer.body);
            Reply::Wrong(body.chars().take(300).collect())
        }
        Ok(answer) if answer.status == 503 && answer.has("retry-after") => Reply::Later,
        Ok(answer) => Reply::Failed(format!(
            "{}: {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        )),
        Err(why) => Reply::Failed(why),
    }
}

/// One request on a connection of its own; what went wrong, if anything did.
pub fn ask(authority: &str, target: &str, headers: &[(&str, &str)]) -> Result<Answer, String> {
    let told = |error: std::io::Error| format!("{authority}: {error}");
    let mut stream = TcpStream::connect(authority).map_err(told)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(told)?;
    let mut request =
        format!("GET {target} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).map_err(told)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(told)?;
    Answer::read(&answer).ok_or_else(|| format!("{authority}: no whole answer"))
}

/// Nothing but right answers.
#[track_caller]
pub fn assert_all_right(outcomes: &[Outcome]) {
    let amiss: Vec<_> = outcomes
        .iter()
        .filter(|outcome| outcome.reply != Reply::Right)
        .collect();
    assert!(
        amiss.is_empty(),
        "{} of {} requests, the first: {:?}",
        amiss.len(),
        outcomes.len(),
        amiss[0]
    );
}

/// Right answers, or 503 with the advice to come again: nothing else. Returns how many there were of each.
#[track_caller]
pub fn assert_right_or_later(outcomes: &[Outcome]) -> (usize, usize) {
    let count = |reply: &Reply| {
        let found = outcomes.iter().filter(|outcome| outcome.reply == *reply);
        found.count()
    };
    let (right, later) = (count(&Reply::Right), count(&Reply::Later));
    let amiss = outcomes
        .iter()
        .find(|outcome| !matches!(outcome.reply, Reply::Right | Reply::Later));
    assert!(
        amiss.is_none(),
        "{} of {} requests, the first: {amiss:?}",
        outcomes.len() - right - later,
        outcomes.len()
    );
    (right, later)
}

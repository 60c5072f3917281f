//! A git server on loopback: git's own, behind HTTP, with an ear on how many objects it sends.

use std::{
    fs,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use memchr::memmem;

use crate::listen::{self, Answer, status};

/// A repository that is served.
pub(crate) struct Repository {
    address: SocketAddr,
    sent: Arc<AtomicU64>,
}

impl Repository {
    /// Whether git has its server here.
    pub(crate) fn can_be_served() -> bool {
        let output = Command::new("git").arg("--exec-path").output();
        output.is_ok_and(|output| {
            let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            Path::new(&folder).join("git-http-backend").is_file()
        })
    }

    /// Commits a list as registry.json and serves the repository.
    pub(crate) async fn serve(folder: &Path, list: &str) -> Result<Self> {
        let work = folder.join("repository");
        fs::create_dir_all(&work)?;
        fs::write(work.join("registry.json"), list)?;
        git(&work, &["init", "--quiet", "--initial-branch=main"])?;
        git(&work, &["add", "registry.json"])?;
        git(&work, &["commit", "--quiet", "--message=records"])?;
        let sent = Arc::new(AtomicU64::new(0));
        let ear = Arc::clone(&sent);
        let address = listen::listen(move |request| {
            let (work, ear) = (work.clone(), Arc::clone(&ear));
            async move {
                let answer = answer(work, request, &ear).await;
                answer.unwrap_or_else(|_| status(StatusCode::BAD_GATEWAY))
            }
        })
        .await?;
        Ok(Self { address, sent })
    }

    /// The origin of a source, as configuration says it.
    pub(crate) fn origin(&self) -> String {
        let address = self.address;
        format!("git: {{repository: \"http://{address}/.git\", branch: main, path: registry.json}}")
    }

    /// All objects of all packs sent so far.
    pub(crate) fn objects_sent(&self) -> u64 {
        self.sent.load(Ordering::Acquire)
    }
}

/// Runs git with nothing of the user's configuration in it.
fn git(work: &Path, arguments: &[&str]) -> Result<()> {
    let status = Command::new("git")
        .current_dir(work)
        .args([
            "-c",
            "user.name=bench",
            "-c",
            "user.email=bench@example.com",
        ])
        .args(["-c", "commit.gpgsign=false"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .status()?;
    ensure!(status.success(), "git {arguments:?} failed");
    Ok(())
}

async fn answer(work: PathBuf, request: Request<Incoming>, ear: &AtomicU64) -> Result<Answer> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let output = tokio::task::spawn_blocking(move || backend(&work, &head, &body)).await??;
    let end = memmem::find(&output, b"\r\n\r\n").context("no head")?;
    let (head, body) = output.split_at(end + 4);
    ear.fetch_add(objects(body), Ordering::AcqRel);
    let mut answer = Answer::new(Full::new(Bytes::copy_from_slice(body)));
    for line in std::str::from_utf8(head)?.lines() {
        match line.split_once(": ") {
            Some(("Status", value)) => {
                let code = value.get(..3).unwrap_or_default();
                *answer.status_mut() = StatusCode::from_bytes(code.as_bytes())?;
            }
            Some((name, value)) => {
                let name = HeaderName::from_bytes(name.as_bytes())?;
                answer
                    .headers_mut()
                    .insert(name, HeaderValue::from_str(value)?);
            }
            None => {}
        }
    }
    Ok(answer)
}

/// git's server, called as CGI (RFC 3875).
fn backend(work: &Path, head: &http::request::Parts, body: &[u8]) -> Result<Vec<u8>> {
    let said = |name| {
        let value = head.headers.get(name).map(HeaderValue::to_str);
        value.and_then(Result::ok).unwrap_or_default()
    };
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_PROJECT_ROOT", work)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env(
            "GIT_PROTOCOL",
            said(HeaderName::from_static("git-protocol")),
        )
        .env("REQUEST_METHOD", head.method.as_str())
        .env("PATH_INFO", head.uri.path())
        .env("QUERY_STRING", head.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", said(header::CONTENT_TYPE))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", said(header::CONTENT_ENCODING))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(body)?;
    }
    Ok(child.wait_with_output()?.stdout)
}

/// How many objects the pack in an answer holds: `PACK`, a version, and the count, four bytes each.
fn objects(body: &[u8]) -> u64 {
    memmem::find(body, b"PACK\0\0\0\x02")
        .and_then(|at| body.get(at + 8..at + 12))
        .and_then(|count| count.try_into().ok())
        .map_or(0, |count| u64::from(u32::from_be_bytes(count)))
}

//! A real git server over HTTP: `git http-backend` behind the loopback server; and repositories made with git itself.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use base64::Engine;
use tempfile::TempDir;

use super::{
    server::{Answer, Seen, Server, answer, with},
    *,
};
use crate::config::model::{BasicAuth, GitReference};

/// A bare repository and the work tree that is pushed to it.
pub(super) struct Repository {
    directory: TempDir,
}

impl Repository {
    /// With one commit on `main` that has `files`.
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        Self::with_format("sha1", files)
    }

    /// As `new`, with names of objects of that kind.
    pub(super) fn with_format(format: &str, files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let repository = Self { directory };
        let format = format!("--object-format={format}");
        let init = ["init", "-q", "-b", "main", &format];
        repository.git_at(
            repository.root(),
            &[&init[..], &["--bare", "r.git"]].concat(),
        );
        repository.git_at(repository.root(), &[&init[..], &["work"]].concat());
        repository.commit(files);
        repository
    }

    pub(super) fn root(&self) -> &Path {
        self.directory.path()
    }

    pub(super) fn bare(&self) -> std::path::PathBuf {
        self.root().join("r.git")
    }

    /// Writes files, commits and pushes them; returns the commit.
    pub(super) fn commit(&self, files: &[(&str, &str)]) -> String {
        for (path, text) in files {
            let path = self.root().join("work").join(path);
            std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
            std::fs::write(path, text).expect("a file");
        }
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "change"]);
        self.push();
        self.git(&["rev-parse", "HEAD"])
    }

    pub(super) fn push(&self) {
        let bare = self.bare();
        self.git(&["push", "-q", "--force", "--all", &bare.to_string_lossy()]);
        self.git(&["push", "-q", "--force", "--tags", &bare.to_string_lossy()]);
    }

    /// Runs git in the work tree.
    pub(super) fn git(&self, arguments: &[&str]) -> String {
        self.git_at(&self.root().join("work"), arguments)
    }

    fn git_at(&self, directory: &Path, arguments: &[&str]) -> String {
        let output = git()
            .current_dir(directory)
            .args(arguments)
            .output()
            .expect("git runs");
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// A source that reads `path`.
    pub(super) fn source(&self, address: String, reference: GitReference, path: &str) -> Source {
        source(Origin::Git {
            repository: address,
            reference,
            path: path.into(),
            auth: None,
            ca_path: None,
        })
    }

    /// Serves it at `/r.git`.
    pub(super) async fn serve(&self) -> Server {
        self.serve_if(|_| None).await
    }

    /// Serves it, unless `instead` has another answer.
    pub(super) async fn serve_if(&self, instead: fn(&mut Seen) -> Option<Answer>) -> Server {
        let root = self.root().to_owned();
        Server::start(move |mut seen| {
            let root = root.clone();
            async move {
                match instead(&mut seen) {
                    Some(answer) => answer,
                    None => tokio::task::spawn_blocking(move || backend(&root, &seen))
                        .await
                        .expect("a backend"),
                }
            }
        })
        .await
    }
}

/// Git without the user's and the system's configuration.
fn git() -> Command {
    let mut git = Command::new("git");
    git.env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_COUNT", "2")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("GIT_CONFIG_KEY_1", "protocol.file.allow")
        .env("GIT_CONFIG_VALUE_1", "always");
    for who in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{who}_NAME"), "t")
            .env(format!("GIT_{who}_EMAIL"), "t@example.org");
    }
    git
}

/// One request through the CGI program.
fn backend(root: &Path, seen: &Seen) -> Answer {
    let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
    let header = |name| seen.header(name).unwrap_or_default().to_owned();
    let mut child = git()
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", &seen.method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", seen.body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("git http-backend");
    let mut input = child.stdin.take().expect("its input");
    // The program may end before it has read everything.
    let _ = input.write_all(&seen.body);
    drop(input);
    let output = child.wait_with_output().expect("its output").stdout;
    let end = output
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")
        .expect("headers");
    let head = String::from_utf8_lossy(&output[..end]).into_owned();
    let mut headers: Vec<_> = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .collect();
    let status = headers
        .iter()
        .find(|(name, _)| *name == "Status")
        .map_or("200", |(_, value)| &value[..3]);
    let status = status.parse().expect("a status");
    headers.retain(|(name, _)| *name != "Status");
    with(status, &headers, &output[end + 4..])
}

/// Requests that fetch objects.
pub(super) fn fetches(seen: &[Seen]) -> usize {
    let wanted = |seen: &&Seen| {
        let body = String::from_utf8_lossy(&seen.body);
        seen.target.ends_with("/git-upload-pack")
            && (body.contains("command=fetch") || body.contains("want "))
    };
    seen.iter().filter(wanted).count()
}

/// Only for who knows the password `right`.
pub(super) fn guarded(seen: &mut Seen) -> Option<Answer> {
    let expected = format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode("reader:right")
    );
    match seen.header("authorization") {
        Some(given) if given == expected => None,
        _ => Some(with(
            401,
            &[("www-authenticate", "Basic realm=\"git\"")],
            "",
        )),
    }
}

/// A server that knows only the oldest protocol.
pub(super) fn old(seen: &mut Seen) -> Option<Answer> {
    seen.headers.remove("git-protocol");
    None
}

pub(super) fn without(_: &mut Seen) -> Option<Answer> {
    Some(answer(404, ""))
}

pub(super) fn with_auth(source: Source, password_file: &Path) -> Source {
    let Origin::Git {
        repository,
        reference,
        path,
        ..
    } = source.origin.clone()
    else {
        panic!("not a git source");
    };
    let auth = Some(BasicAuth {
        username: "reader".into(),
        password_file: password_file.to_owned(),
    });
    Source {
        origin: Origin::Git {
            repository,
            reference,
            path,
            auth,
            ca_path: None,
        },
        ..source
    }
}

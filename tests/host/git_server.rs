//! A real git server: repositories made with git, served over HTTP by `git http-backend` as its CGI parent.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use cairn_tests::{
    Upstream,
    upstream::{Asked, Given},
};
use tempfile::TempDir;

/// A repository in `r.git` below a folder that is served.
pub(crate) struct Repository {
    folder: TempDir,
    pub(crate) server: Upstream,
}

impl Repository {
    /// With one commit on `main`, of these files.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        git(
            folder.path(),
            &[
                "init",
                "--quiet",
                "--bare",
                "--initial-branch=main",
                "r.git",
            ],
        );
        git(folder.path(), &["clone", "--quiet", "r.git", "work"]);
        let root = folder.path().to_owned();
        let server = Upstream::start(move |asked| backend(&root, asked));
        let repository = Self { folder, server };
        repository.commit(files);
        repository
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/r.git", self.server.url())
    }

    pub(crate) fn commit(&self, files: &[(&str, &str)]) {
        let work = self.work();
        for (file, text) in files {
            let path = work.join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect(file);
            fs::write(path, text).expect(file);
        }
        git(&work, &["add", "--all"]);
        git(&work, &["commit", "--quiet", "--message", "more"]);
        git(&work, &["push", "--quiet", "origin", "HEAD:main"]);
    }

    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Requests that asked for objects since the last call, and how many requests there were.
    pub(crate) fn fetches(&self) -> (usize, usize) {
        let asked = self.server.asked();
        self.server.forget();
        let fetching = |asked: &&Asked| {
            let body = String::from_utf8_lossy(&asked.body);
            asked.method == "POST" && (body.contains("command=fetch") || body.contains("want "))
        };
        (asked.iter().filter(fetching).count(), asked.len())
    }
}

fn git(folder: &Path, args: &[&str]) {
    let done = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.com"])
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("git");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "git {args:?}: {said}");
}

fn backend(root: &Path, asked: &Asked) -> Given {
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", &asked.method)
        .env("PATH_INFO", asked.path())
        .env("QUERY_STRING", asked.query())
        .env("CONTENT_TYPE", asked.header("content-type"))
        .env("CONTENT_LENGTH", asked.body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", asked.header("content-encoding"))
        .env("GIT_PROTOCOL", asked.header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("git http-backend");
    let mut input = child.stdin.take().expect("its input");
    let body = asked.body.clone();
    let writer = std::thread::spawn(move || drop(input.write_all(&body)));
    let output = child.wait_with_output().expect("its output").stdout;
    let _ = writer.join();
    response(&output)
}

/// The answer of a CGI program: headers, an empty line, the body.
fn response(output: &[u8]) -> Given {
    let end = output
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("a head");
    let head = String::from_utf8_lossy(&output[..end]).into_owned();
    let value = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    };
    let status = value("Status").and_then(|status| status.split(' ').next()?.parse().ok());
    let media = match value("Content-Type").unwrap_or_default() {
        "application/x-git-upload-pack-advertisement" => {
            "application/x-git-upload-pack-advertisement"
        }
        "application/x-git-upload-pack-result" => "application/x-git-upload-pack-result",
        _ => "text/plain",
    };
    (status.unwrap_or(200), media, output[end + 4..].to_vec())
}

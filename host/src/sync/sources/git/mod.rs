//! A git repository: the commit of one ref is asked for first, and only when it is a new one its tree is fetched, without
//! history, into a repository that lives as long as the pass. One file of it, or all JSON files of one directory, are
//! read. Submodules and symbolic links are not followed, filters and hooks are not run, the user's git configuration is
//! not used.

mod failure;
mod meter;
mod moved;
mod read;
mod remote;
mod tree;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use gix::ObjectId;
pub(crate) use meter::Limits;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::{
    Complete, Context, Fetch, Kind, Request, SourceError, error::public_url, fingerprint, items,
    network::Guard,
};
use crate::{
    config::model::{BasicAuth, GitReference, Origin, Source},
    sync::formats::{Expected, Reading},
};

/// The longest time for asking and fetching together.
const DEADLINE: Duration = Duration::from_secs(15 * 60);

/// What is read of which repository.
#[derive(Debug, Clone)]
struct Plan {
    repository: String,
    reference: GitReference,
    path: String,
    auth: Option<BasicAuth>,
    /// The commit of the last complete pass.
    known: Option<ObjectId>,
    scratch: PathBuf,
    limits: Limits,
    /// Addresses that redirects and names may lead to.
    guard: Guard,
    /// Certificates of authorities that are trusted besides the system's.
    ca_path: Option<PathBuf>,
}

impl Plan {
    /// The repository as it may be shown.
    fn place(&self) -> String {
        public_url(&self.repository)
    }

    fn error(&self, kind: Kind, message: impl std::fmt::Display) -> SourceError {
        SourceError::new(kind, format!("{}: {message}", self.place()))
    }
}

/// A repository on disk that has the commit, deleted with this.
struct Checkout {
    folder: TempDir,
    commit: ObjectId,
}

enum Obtained {
    Unchanged(ObjectId),
    New(Checkout),
}

/// Begins a pass over a repository.
pub(super) async fn fetch(
    source: &Source,
    identity: String,
    request: Request,
    cx: &Context,
) -> Result<Fetch, SourceError> {
    let Some(plan) = plan(source, &identity, &request, cx) else {
        let message = "`git.repository` must be an http(s) address";
        return Err(SourceError::new(Kind::Other, message));
    };
    let unchanged = |commit: ObjectId| Fetch::Unchanged {
        fingerprint: fingerprint::save(&identity, commit.to_string()),
    };
    let obtained = tokio::select! {
        obtained = obtain_wherever(&plan) => obtained?,
        () = tokio::time::sleep(DEADLINE) => {
            let message = format!("not fetched after {} minutes; see whether the server is well", DEADLINE.as_secs() / 60);
            return Err(plan.error(Kind::Timeout, message));
        }
        () = cx.stop.wait() => return Err(SourceError::stopped()),
    };
    let checkout = match obtained {
        Obtained::Unchanged(commit) => return Ok(unchanged(commit)),
        Obtained::New(checkout) => checkout,
    };
    let (mut outlet, items) = items::line(&cx.stop);
    let (format, max_record_size) = (source.format, cx.max_record_size);
    tokio::task::spawn_blocking(move || {
        let commit = checkout.commit;
        let reading = Reading {
            expected: Expected::from(format),
            max_record_size,
            prefix: "",
        };
        let end = read::all(&plan, &checkout, &mut outlet, reading);
        drop(checkout);
        outlet.finish(end.map(|extent| Complete {
            fingerprint: Some(fingerprint::save(&identity, commit.to_string())),
            partial: extent == read::Extent::Part,
        }));
    });
    Ok(Fetch::Items(items))
}

fn plan(source: &Source, identity: &str, request: &Request, cx: &Context) -> Option<Plan> {
    let Origin::Git {
        repository,
        reference,
        path,
        auth,
        ca_path,
    } = &source.origin
    else {
        return None;
    };
    let url = reqwest::Url::parse(repository).ok()?;
    let known: Option<String> = fingerprint::load(identity, request.fingerprint.as_deref());
    Some(Plan {
        repository: repository.clone(),
        reference: reference.clone(),
        path: path.clone(),
        auth: auth.clone(),
        known: known.and_then(|commit| commit.parse().ok()),
        scratch: cx.scratch.clone(),
        limits: cx.git_limits,
        guard: Guard::new(&url),
        ca_path: ca_path.clone(),
    })
}

/// Runs blocking work that must not hold up the end of the process: whoever stops waiting for it interrupts it.
async fn on_own_thread<T: Send + 'static>(
    work: impl FnOnce(Arc<AtomicBool>) -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    struct Interrupt(Arc<AtomicBool>);
    impl Drop for Interrupt {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let interrupt = Interrupt(Arc::default());
    let flag = interrupt.0.clone();
    let (reply, answer) = oneshot::channel();
    std::thread::Builder::new()
        .name("git".into())
        .spawn(move || reply.send(work(flag)))
        .map_err(|error| SourceError::new(Kind::Other, format!("no thread for git: {error}")))?;
    answer
        .await
        .map_err(|_| SourceError::new(Kind::Other, "git ended without a result"))?
}

/// Obtains it from its address, or from where that one redirects. The git library follows no redirect itself.
async fn obtain_wherever(plan: &Plan) -> Result<Obtained, SourceError> {
    let asked = plan.clone();
    let obtained = on_own_thread(move |interrupt| obtain(&asked, &interrupt)).await;
    let Err(error) = obtained else {
        return obtained;
    };
    match moved::find(plan, &error).await? {
        Some(moved) => on_own_thread(move |interrupt| obtain(&moved, &interrupt)).await,
        None => Err(error),
    }
}

fn obtain(plan: &Plan, interrupt: &Arc<AtomicBool>) -> Result<Obtained, SourceError> {
    if let GitReference::Commit(id) = &plan.reference {
        let commit: ObjectId = id.parse().map_err(|_| {
            plan.error(
                Kind::Other,
                format!("`{id}` is no commit id; `git.commit` must have all 40 digits"),
            )
        })?;
        if plan.known == Some(commit) {
            return Ok(Obtained::Unchanged(commit));
        }
    }
    if !is_remote(&plan.repository) {
        return Err(plan.error(Kind::Other, "`git.repository` must be an http(s) address"));
    }
    remote::ask_and_fetch(plan, interrupt)
}

/// The configuration takes no other address; the git library would, and start programs of this machine for it.
fn is_remote(repository: &str) -> bool {
    reqwest::Url::parse(repository).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

//! A repository behind http(s): first its refs, then the one commit, without its history, into a scratch repository.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};

use gix::{
    ObjectId, Repository,
    bstr::BString,
    create, credentials, open,
    protocol::transport::client::blocking_io::{
        Transport,
        http::{self, options::FollowRedirects, reqwest::Options as Backend},
    },
    remote::{
        Direction,
        fetch::{Prepare, Shallow, Tags},
        ref_map,
    },
};
use tempfile::TempDir;

use super::{
    super::network::authorities, Checkout, Kind, Obtained, Plan, SourceError, failure, meter::Meter,
};
use crate::config::model::GitReference;

/// Where a fetched commit is kept.
const LOCAL: &str = "refs/cairn/source";
/// How long the server may be silent.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

type Ready<'repo> = Prepare<'repo, 'repo, Box<dyn Transport + Send>>;

pub(super) fn ask_and_fetch(
    plan: &Plan,
    interrupt: &Arc<AtomicBool>,
) -> Result<Obtained, SourceError> {
    let GitReference::Commit(commit) = &plan.reference else {
        return named(plan, interrupt);
    };
    // Not every server hands out a commit by its id; all of them hand out their refs.
    match pinned(plan, &[format!("{commit}:{LOCAL}")], depth_one(), interrupt) {
        Err(error) if error.kind == Kind::Other => {
            let all = [
                "+refs/heads/*:refs/heads/*".to_owned(),
                "+refs/tags/*:refs/tags/*".to_owned(),
            ];
            pinned(plan, &all, Shallow::NoChange, interrupt)
        }
        result => result,
    }
}

/// A branch, a tag or HEAD.
fn named(plan: &Plan, interrupt: &Arc<AtomicBool>) -> Result<Obtained, SourceError> {
    let scratch = Scratch::new(plan)?;
    let source = match &plan.reference {
        GitReference::Default => "HEAD".to_owned(),
        _ => failure::full_name(plan)?.to_string(),
    };
    let ready = prepare(plan, &scratch.repository, &[format!("+{source}:{LOCAL}")])?;
    let commit = ready
        .ref_map()
        .mappings
        .first()
        .and_then(|mapping| mapping.remote.peeled_id());
    let Some(commit) = commit.map(ToOwned::to_owned) else {
        drop(ready);
        return Err(failure::missing(plan, &names(plan, &scratch.repository)?));
    };
    if plan.known == Some(commit) {
        return Ok(Obtained::Unchanged(commit));
    }
    receive(plan, ready, depth_one(), interrupt)?;
    Ok(scratch.with(commit))
}

fn pinned(
    plan: &Plan,
    specs: &[String],
    shallow: Shallow,
    interrupt: &Arc<AtomicBool>,
) -> Result<Obtained, SourceError> {
    let GitReference::Commit(id) = &plan.reference else {
        return named(plan, interrupt);
    };
    let scratch = Scratch::new(plan)?;
    let ready = prepare(plan, &scratch.repository, specs)?;
    receive(plan, ready, shallow, interrupt)?;
    let commit: Option<ObjectId> = id
        .parse()
        .ok()
        .filter(|id: &ObjectId| scratch.repository.has_object(id));
    commit
        .map(|commit| scratch.with(commit))
        .ok_or_else(|| failure::missing(plan, &[]))
}

fn depth_one() -> Shallow {
    Shallow::DepthAtRemote(NonZeroU32::MIN)
}

/// An empty repository that is deleted when it is no longer needed.
struct Scratch {
    repository: Repository,
    directory: TempDir,
}

impl Scratch {
    fn new(plan: &Plan) -> Result<Self, SourceError> {
        let refused = |cause: String| {
            plan.error(
                Kind::Other,
                format!(
                    "no scratch repository in {}: {cause}",
                    plan.scratch.display()
                ),
            )
        };
        let directory = TempDir::with_prefix_in("git-", &plan.scratch)
            .map_err(|error| refused(error.to_string()))?;
        let repository = gix::ThreadSafeRepository::init_opts(
            directory.path(),
            create::Kind::Bare,
            create::Options::default(),
            options(plan),
        );
        let repository = repository.map_err(|error| refused(failure::cause(plan, &error)))?;
        Ok(Self {
            repository: repository.into(),
            directory,
        })
    }

    fn with(self, commit: ObjectId) -> Obtained {
        Obtained::New(Checkout {
            folder: self.directory,
            commit,
        })
    }
}

/// No configuration but this: not the user's, not the system's, not the environment's.
pub(super) fn options(plan: &Plan) -> open::Options {
    open::Options::isolated()
        .bail_if_untrusted(false)
        .config_overrides([
            format!("gitoxide.objects.allocLimit={}", plan.limits.object_size),
            "pack.threads=1".to_owned(),
        ])
}

/// Asks for the refs; nothing is fetched yet.
fn prepare<'repo>(
    plan: &'repo Plan,
    repository: &'repo Repository,
    specs: &[String],
) -> Result<Ready<'repo>, SourceError> {
    let failed = |error: gix::Error| failure::of(plan, &error);
    let remote = repository
        .remote_at_without_url_rewrite(plan.repository.as_str())
        .and_then(|remote| {
            remote.with_fetch_tags(Tags::None).with_refspecs(
                specs.iter().map(|spec| BString::from(spec.as_str())),
                Direction::Fetch,
            )
        })
        .map_err(failed)?;
    let connection = remote.connect(Direction::Fetch).map_err(failed)?;
    let connection = connection
        .with_transport_options(Box::new(transport(plan)?))
        .with_credentials(move |action| credentials(plan, action));
    connection
        .prepare_fetch(gix::progress::Discard, ref_map::Options::default())
        .map_err(failed)
}

fn transport(plan: &Plan) -> Result<http::Options, SourceError> {
    let authorities = authorities(plan.ca_path.as_deref(), "git")?;
    let guard = Arc::new(plan.guard.clone());
    let backend = Backend {
        configure_client: Some(Box::new(move |client| {
            Ok(client
                .timeout(PATIENCE)
                .tls_certs_merge(authorities.clone())
                .dns_resolver(guard.clone()))
        })),
        configure_request: None,
    };
    Ok(http::Options {
        backend: Some(Arc::new(Mutex::new(backend))),
        // Redirects are followed where each step can be checked.
        follow_redirects: FollowRedirects::None,
        ..http::Options::default()
    })
}

/// Answers a 401. The password goes only to the server that the operator has named, not to where that one redirects.
fn credentials(
    plan: &Plan,
    action: credentials::helper::Action,
) -> gix::Result<Option<credentials::protocol::Outcome>> {
    let (credentials::helper::Action::Get(context), Some(auth)) = (action, &plan.auth) else {
        return Ok(None);
    };
    let asked = context
        .url
        .as_ref()
        .and_then(|url| reqwest::Url::parse(&url.to_string()).ok());
    let named = reqwest::Url::parse(&plan.repository).ok();
    if asked.map(|url| url.origin()) != named.map(|url| url.origin()) {
        return Ok(None);
    }
    let password = std::fs::read_to_string(&auth.password_file).map_err(|error| {
        let message = format!(
            "{} cannot be read: {error}; check `auth.passwordFile`",
            auth.password_file.display()
        );
        gix::Error::from_error(std::io::Error::new(error.kind(), message))
    })?;
    Ok(Some(credentials::protocol::Outcome {
        identity: gix::sec::identity::Account {
            username: auth.username.clone(),
            password: password.trim_end_matches(['\r', '\n']).to_owned(),
            oauth_refresh_token: None,
        },
        next: context.into(),
    }))
}

fn receive(
    plan: &Plan,
    ready: Ready<'_>,
    shallow: Shallow,
    interrupt: &Arc<AtomicBool>,
) -> Result<(), SourceError> {
    let meter = Meter::new(plan.limits, interrupt.clone());
    let received = ready
        .with_shallow(shallow)
        .receive(meter.clone(), interrupt);
    match received {
        Ok(_) => Ok(()),
        Err(_) if meter.exceeded() => Err(failure::too_large(plan)),
        Err(_) if meter.too_slow() => Err(failure::too_slow(plan)),
        Err(_) if interrupt.load(std::sync::atomic::Ordering::Relaxed) => {
            Err(SourceError::stopped())
        }
        Err(error) => Err(failure::of(plan, &error)),
    }
}

/// What the server has of the kind that was asked for.
fn names(plan: &Plan, repository: &Repository) -> Result<Vec<String>, SourceError> {
    let prefix = failure::prefix(&plan.reference);
    let ready = prepare(
        plan,
        repository,
        &[format!("+{prefix}*:refs/cairn/names/*")],
    )?;
    let names = ready
        .ref_map()
        .mappings
        .iter()
        .filter_map(|mapping| mapping.remote.as_name());
    Ok(names
        .map(|name| name.to_string().trim_start_matches(prefix).to_owned())
        .collect())
}

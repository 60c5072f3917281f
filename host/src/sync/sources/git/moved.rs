//! Repositories that have moved: where a redirect of the server leads, within the bounds of the source.

use http::HeaderMap;
use reqwest::Url;

use super::{
    super::network::{Web, authorities},
    Kind, Plan, SourceError,
    remote::PATIENCE,
};

/// Path of git's first request to a repository.
const REFS: &str = "/info/refs?service=git-upload-pack";

/// The plan for the repository's present address, when a failed attempt met a redirect to another one. The password does not
/// go to another origin.
pub(super) async fn find(plan: &Plan, error: &SourceError) -> Result<Option<Plan>, SourceError> {
    // The library takes a redirect for an answer that makes no sense.
    if error.kind != Kind::Other {
        return Ok(None);
    }
    let base = plan.repository.trim_end_matches('/');
    let (Ok(named), Ok(asked)) = (Url::parse(base), Url::parse(&format!("{base}{REFS}"))) else {
        return Ok(None);
    };
    let authorities = authorities(plan.ca_path.as_deref(), "git")?;
    let web = Web::within(plan.guard.clone(), authorities)?;
    let found = match web.get(asked.clone(), &HeaderMap::new(), PATIENCE).await {
        Ok(response) => response.url().clone(),
        Err(error) if error.kind == Kind::Redirect => return Err(error),
        // The first attempt's error says more.
        Err(_) => return Ok(None),
    };
    if found == asked {
        return Ok(None);
    }
    let Some(repository) = found.as_str().strip_suffix(REFS) else {
        let message =
            "redirects to what is no git repository, as a login page is; check `git.repository`";
        return Err(plan.error(Kind::Redirect, message));
    };
    Ok(Some(Plan {
        repository: repository.to_owned(),
        auth: plan
            .auth
            .clone()
            .filter(|_| found.origin() == named.origin()),
        ..plan.clone()
    }))
}

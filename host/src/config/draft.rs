//! One element of `sources` or `registries` as it is written: flat, every key with a place, an empty value for what was not
//! given. It becomes a value of the model, and a value of the model becomes it again to be shown.

use std::{path::PathBuf, time::Duration};

use super::{
    access::{AccessDraft, basic, given},
    model::{FileOrigin, Filter, Format, GitReference, Origin, Registry, Removals, Source},
};

/// Every key of a source.
#[derive(Debug, Default)]
pub(super) struct SourceDraft {
    pub name: String,
    pub format: Option<Format>,
    pub repository: String,
    pub branch: String,
    pub tag: String,
    pub commit: String,
    pub path: String,
    pub username: String,
    pub password_file: PathBuf,
    pub git_ca_path: PathBuf,
    pub endpoint: String,
    pub api_timeout: Duration,
    pub api: AccessDraft,
    pub file: PathBuf,
    pub url: String,
    pub file_timeout: Duration,
    pub web: AccessDraft,
    pub interval: Duration,
    pub removals: Removals,
    pub filter: Filter,
}

/// Every key of a registry.
#[derive(Debug, Default)]
pub(super) struct RegistryDraft {
    pub name: String,
    pub sources: Vec<String>,
    pub valid_only: bool,
}

impl From<RegistryDraft> for Registry {
    fn from(draft: RegistryDraft) -> Self {
        Self {
            name: draft.name,
            sources: draft.sources,
            valid_only: draft.valid_only,
        }
    }
}

impl From<&Registry> for RegistryDraft {
    fn from(registry: &Registry) -> Self {
        Self {
            name: registry.name.clone(),
            sources: registry.sources.clone(),
            valid_only: registry.valid_only,
        }
    }
}

/// Of a draft that was checked: exactly one origin, at most one reference.
impl From<SourceDraft> for Source {
    fn from(draft: SourceDraft) -> Self {
        let origin = if !draft.repository.is_empty() {
            Origin::Git {
                reference: reference(draft.branch, draft.tag, draft.commit),
                auth: basic(draft.username, draft.password_file),
                ca_path: given(draft.git_ca_path),
                repository: draft.repository,
                path: draft.path,
            }
        } else if !draft.endpoint.is_empty() {
            Origin::Api {
                endpoint: draft.endpoint,
                timeout: draft.api_timeout,
                access: draft.api.into(),
            }
        } else if !draft.url.is_empty() {
            Origin::File(FileOrigin::Url {
                url: draft.url,
                timeout: draft.file_timeout,
                access: draft.web.into(),
            })
        } else {
            Origin::File(FileOrigin::Path(draft.file))
        };
        Self {
            name: draft.name,
            origin,
            format: draft.format,
            interval: draft.interval,
            removals: draft.removals,
            filter: draft.filter,
        }
    }
}

fn reference(branch: String, tag: String, commit: String) -> GitReference {
    match (branch.is_empty(), tag.is_empty(), commit.is_empty()) {
        (false, _, _) => GitReference::Branch(branch),
        (_, false, _) => GitReference::Tag(tag),
        (_, _, false) => GitReference::Commit(commit),
        (true, true, true) => GitReference::Default,
    }
}

impl From<&Source> for SourceDraft {
    fn from(source: &Source) -> Self {
        let mut draft = Self {
            name: source.name.clone(),
            format: source.format,
            interval: source.interval,
            removals: source.removals,
            filter: source.filter.clone(),
            ..Self::default()
        };
        draft.set_origin(source.origin.clone());
        draft
    }
}

impl SourceDraft {
    fn set_origin(&mut self, origin: Origin) {
        match origin {
            Origin::Git {
                repository,
                reference,
                path,
                auth,
                ca_path,
            } => {
                (self.repository, self.path) = (repository, path);
                self.git_ca_path = ca_path.unwrap_or_default();
                match reference {
                    GitReference::Default => {}
                    GitReference::Branch(name) => self.branch = name,
                    GitReference::Tag(name) => self.tag = name,
                    GitReference::Commit(id) => self.commit = id,
                }
                if let Some(auth) = auth {
                    (self.username, self.password_file) = (auth.username, auth.password_file);
                }
            }
            Origin::File(FileOrigin::Path(path)) => self.file = path,
            Origin::File(FileOrigin::Url {
                url,
                timeout,
                access,
            }) => (self.url, self.file_timeout, self.web) = (url, timeout, access.into()),
            Origin::Api {
                endpoint,
                timeout,
                access,
            } => (self.endpoint, self.api_timeout, self.api) = (endpoint, timeout, access.into()),
        }
    }
}

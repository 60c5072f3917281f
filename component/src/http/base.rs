//! The bases under which one API is served, and the dialect each speaks.

use std::{borrow::Cow, fmt};

use cairn_registry::ops::browse::Scope;

/// How limits and errors look, by the base that is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The official registry's: root bases.
    Official,
    /// ToolHive's: bases of a named registry.
    Toolhive,
}

/// Records on a page when the client does not say.
pub(crate) const DEFAULT_LIMIT: u32 = 30;

impl Dialect {
    /// Most records on a page.
    pub(crate) fn most(self) -> u32 {
        match self {
            Self::Official => 100,
            Self::Toolhive => 1000,
        }
    }

    /// What a path speaks even when it leads nowhere.
    pub(crate) fn of(path: &str) -> Self {
        if path.starts_with(NAMED) {
            Self::Toolhive
        } else {
            Self::Official
        }
    }
}

/// The beginning of a path in front of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Base<'a> {
    /// The registry named in the path; `None` at root bases, which serve the default one.
    pub(crate) registry: Option<Cow<'a, str>>,
    /// `/v0.1`, `/v0`, or nothing, which means the stable one.
    pub(crate) version: &'static str,
}

/// What precedes a registry's name.
const NAMED: &str = "/registry/";

/// Versions of the API. One surface serves them all: 0 is today's 0.1.
const VERSIONS: [&str; 2] = ["/v0.1", "/v0"];

impl<'a> Base<'a> {
    /// Cuts a raw path into the registry's raw name, the version and the rest.
    pub(super) fn split(path: &'a str) -> (Option<&'a str>, &'static str, &'a str) {
        let (registry, tail) = match path.strip_prefix(NAMED) {
            None => (None, path),
            Some(named) => {
                let (name, _) = named.split_once('/').unwrap_or((named, ""));
                (Some(name), named.get(name.len()..).unwrap_or_default())
            }
        };
        let version = VERSIONS.into_iter().find(|version| {
            tail.strip_prefix(version)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        let version = version.unwrap_or_default();
        (
            registry,
            version,
            tail.get(version.len()..).unwrap_or_default(),
        )
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self.registry {
            None => Dialect::Official,
            Some(_) => Dialect::Toolhive,
        }
    }

    pub(crate) fn scope(&self) -> Scope<'_> {
        match &self.registry {
            None => Scope::Default,
            Some(name) => Scope::Named(name),
        }
    }
}

/// The base as the beginning of a URL's path; empty at the root.
impl fmt::Display for Base<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.registry {
            write!(f, "{NAMED}{}", super::route::encode(name))?;
        }
        f.write_str(self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_base_and_rest() {
        let check = |path, expected| assert_eq!(Base::split(path), expected, "{path}");
        check("/servers", (None, "", "/servers"));
        check("/v0.1/servers", (None, "/v0.1", "/servers"));
        check("/v0/servers", (None, "/v0", "/servers"));
        check("/v0.1", (None, "/v0.1", ""));
        check("/v0.12/servers", (None, "", "/v0.12/servers"));
        check("/v1/servers", (None, "", "/v1/servers"));
        check("/registry/a/servers", (Some("a"), "", "/servers"));
        check("/registry/a/v0.1/servers", (Some("a"), "/v0.1", "/servers"));
        check("/registry/a/v0/servers/x", (Some("a"), "/v0", "/servers/x"));
        check("/registry/a", (Some("a"), "", ""));
        check("/registry//v0.1/servers", (Some(""), "/v0.1", "/servers"));
        check("/registry", (None, "", "/registry"));
        check("/v0.1/registry/a", (None, "/v0.1", "/registry/a"));
    }
}

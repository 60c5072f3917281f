//! Keys and variables of the ToolHive registry server whose feature does not exist here yet. They fail the start by name
//! instead of being ignored, unless they say "off".

use super::{
    draft::{RegistryDraft, SourceDraft},
    key::Key,
    model::Config,
};

const DYNAMIC: &str = "logins by a cloud's own tokens are not supported yet in this version; use `database.password` or a \
                       password file";
const OAUTH: &str = "OAuth and roles are not supported yet in this version; remove the section and let a proxy in front check \
                     tokens";
const CLAIMS: &str = "claims are not supported yet in this version; remove them, and put records with another audience behind \
                      another instance";
const KUBERNETES: &str = "Kubernetes sources are not supported yet in this version; write the records to a file or a git \
                          repository and use `file` or `git`";

/// Refused and inert keys of the configuration.
pub(super) const CONFIG: &[Key<Config>] = &[
    Key::refused("auth.oauth", &[], OAUTH),
    Key::refused("auth.authz", &[], OAUTH),
    Key::refused(
        "auth.publicPaths",
        &["[]"],
        "every path is public while OAuth is not supported; remove the key",
    ),
    Key::refused("database.dynamicAuth", &[], DYNAMIC),
    Key::refused(
        "database.maxMetaSize",
        &[],
        "a limit for `_meta` alone is not supported yet in this version; use `sync.maxRecordSize`, the limit of a whole record",
    ),
    Key::refused(
        "audit.enabled",
        &["false"],
        "the audit log is not supported yet in this version; set it to false and keep the access log",
    ),
    Key::inert("audit.logFile"),
    Key::inert("audit.eventTypes"),
    Key::inert("audit.excludeEventTypes"),
    Key::inert("audit.includeRequestData"),
    Key::inert("audit.maxDataSize"),
];

/// Refused keys of a source.
pub(super) const SOURCE: &[Key<SourceDraft>] = &[
    Key::refused(
        "managed",
        &[],
        "managed sources (publishing) are not supported yet in this version; use `git`, `file` or `api`",
    ),
    Key::refused("kubernetes", &[], KUBERNETES),
    Key::refused("claims", &["{}"], CLAIMS),
    Key::refused(
        "file.data",
        &[],
        "inline data is not supported yet in this version; write it to a file and use `file.path`",
    ),
];

/// Refused keys of a registry.
pub(super) const REGISTRY: &[Key<RegistryDraft>] = &[Key::refused("claims", &["{}"], CLAIMS)];

/// A switch that exists only in the environment.
pub(super) struct Switch {
    pub name: &'static str,
    /// Values that ask for nothing we lack.
    pub off: &'static [&'static str],
    pub why: &'static str,
}

/// Environment-only switches of the ToolHive registry server.
pub(super) const SWITCHES: &[Switch] = &[
    Switch {
        name: "THV_REGISTRY_COMPRESS_RESPONSE",
        off: &["true", "1"],
        why: "responses are compressed for every client that asks, which cannot be switched off yet in this version; remove the \
              variable",
    },
    Switch {
        name: "THV_REGISTRY_INSECURE_URL",
        off: &["false", "0"],
        why: "it belongs to OAuth, which is not supported yet in this version; remove the variable",
    },
    Switch {
        name: "THV_REGISTRY_WATCH_NAMESPACE",
        off: &[],
        why: "Kubernetes sources are not supported yet in this version; remove the variable",
    },
    Switch {
        name: "THV_REGISTRY_LEADER_ELECTION_ID",
        off: &[],
        why: "leases in the database replace leader election; remove the variable",
    },
];

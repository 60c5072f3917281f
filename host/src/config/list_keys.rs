//! The keys of one source and of one registry that work, declared as those of `keys.rs` are.

use std::{ops::RangeInclusive, time::Duration};

use super::{
    access::{HEADER_FILES, HEADERS},
    check,
    draft::{RegistryDraft, SourceDraft},
    key::{Key, Nothing, Text},
    model::Format,
    slot::{Slot, Words},
};

const YEAR: Duration = Duration::from_secs(365 * 86_400);
/// One request of a source; the upper bound is that of the ToolHive registry server.
const FETCH: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(300);

/// Keys of one element of `sources`; the older form has them in `registries`.
pub(super) const SOURCE: &[Key<SourceDraft>] = &[
    Key::new(
        "name",
        Nothing("required"),
        |s| Slot::Text(&mut s.name, check::NAME),
        "Unique among the sources.",
    ),
    Key::new(
        "format",
        Nothing("detected"),
        |s| Slot::Choice(&mut s.format),
        "Format of the file: ToolHive legacy, ToolHive upstream, or server.json (one, an array, a v0.1 page).",
    ),
    Key::new(
        "git.repository",
        Nothing("required in `git`"),
        |s| Slot::Text(&mut s.repository, check::GIT_URL),
        "Repository to read from.",
    ),
    Key::new(
        "git.branch",
        Nothing("the remote's default"),
        |s| Slot::Text(&mut s.branch, check::REFERENCE),
        "One of branch, tag and commit at most.",
    ),
    Key::new(
        "git.tag",
        Nothing("–"),
        |s| Slot::Text(&mut s.tag, check::REFERENCE),
        "As above.",
    ),
    Key::new(
        "git.commit",
        Nothing("–"),
        |s| Slot::Text(&mut s.commit, check::COMMIT),
        "As above.",
    ),
    Key::new(
        "git.path",
        Text("registry.json"),
        |s| Slot::Text(&mut s.path, check::INNER_PATH),
        "File in the repository, or a folder with files.",
    ),
    Key::new(
        "git.auth.username",
        Nothing("required in `git.auth`"),
        |s| Slot::Text(&mut s.username, check::USER),
        "User of HTTP basic authentication.",
    ),
    Key::new(
        "git.auth.passwordFile",
        Nothing("required in `git.auth`"),
        |s| Slot::Path(&mut s.password_file, check::SECRET_FILE),
        "File with its password or token, read at each use.",
    ),
    Key::new(
        "git.caPath",
        Nothing("the system's authorities"),
        |s| Slot::Path(&mut s.git_ca_path, check::SECRET_FILE),
        "Certificates (PEM) of authorities that are trusted besides the system's.",
    ),
    Key::new(
        "api.endpoint",
        Nothing("required in `api`"),
        |s| Slot::Text(&mut s.endpoint, check::BASE_URL),
        "Base of another registry, to which `/v0.1/servers` is appended.",
    ),
    Key::new(
        "api.timeout",
        Text("10s"),
        |s| Slot::Time(&mut s.api_timeout, FETCH),
        "For one request, from asking to the last byte.",
    ),
    Key::new(
        "api.auth.tokenFile",
        Nothing("none"),
        |s| Slot::Path(&mut s.api.token_file, check::SECRET_FILE),
        "File with a bearer token, read at each pass.",
    ),
    Key::new(
        "api.auth.username",
        Nothing("none"),
        |s| Slot::Text(&mut s.api.username, check::USER),
        "User of HTTP basic authentication; needs `passwordFile`.",
    ),
    Key::new(
        "api.auth.passwordFile",
        Nothing("none"),
        |s| Slot::Path(&mut s.api.password_file, check::SECRET_FILE),
        "File with its password, read at each pass.",
    ),
    Key::new(
        "api.headers",
        Nothing("none"),
        |s| Slot::Map(&mut s.api.headers, HEADERS),
        "Request headers besides cairn's own, by name.",
    ),
    Key::new(
        "api.headerFiles",
        Nothing("none"),
        |s| Slot::Map(&mut s.api.header_files, HEADER_FILES),
        "Files with the values of request headers, by name; read at each pass.",
    ),
    Key::new(
        "api.caPath",
        Nothing("the system's authorities"),
        |s| Slot::Path(&mut s.api.ca_path, check::SECRET_FILE),
        "Certificates (PEM) of authorities that are trusted besides the system's.",
    ),
    Key::new(
        "file.path",
        Nothing("this or `file.url`"),
        |s| Slot::Path(&mut s.file, check::PATH),
        "File of this machine; a relative one starts at the working directory.",
    ),
    Key::new(
        "file.url",
        Nothing("this or `file.path`"),
        |s| Slot::Url(&mut s.url, check::DOCUMENT_URL),
        "One document on the web. Parameters that may be secrets are masked wherever it is shown.",
    ),
    Key::new(
        "file.timeout",
        Text("30s"),
        |s| Slot::Time(&mut s.file_timeout, FETCH),
        "For `file.url` only: how long the server may be silent. The whole transfer may take 20 times as long.",
    ),
    Key::new(
        "file.auth.tokenFile",
        Nothing("none"),
        |s| Slot::Path(&mut s.web.token_file, check::SECRET_FILE),
        "File with a bearer token, read at each pass.",
    ),
    Key::new(
        "file.auth.username",
        Nothing("none"),
        |s| Slot::Text(&mut s.web.username, check::USER),
        "User of HTTP basic authentication; needs `passwordFile`.",
    ),
    Key::new(
        "file.auth.passwordFile",
        Nothing("none"),
        |s| Slot::Path(&mut s.web.password_file, check::SECRET_FILE),
        "File with its password, read at each pass.",
    ),
    Key::new(
        "file.headers",
        Nothing("none"),
        |s| Slot::Map(&mut s.web.headers, HEADERS),
        "Request headers besides cairn's own, by name.",
    ),
    Key::new(
        "file.headerFiles",
        Nothing("none"),
        |s| Slot::Map(&mut s.web.header_files, HEADER_FILES),
        "Files with the values of request headers, by name; read at each pass.",
    ),
    Key::new(
        "file.caPath",
        Nothing("the system's authorities"),
        |s| Slot::Path(&mut s.web.ca_path, check::SECRET_FILE),
        "Certificates (PEM) of authorities that are trusted besides the system's.",
    ),
    Key::new(
        "syncPolicy.interval",
        Nothing("required"),
        |s| Slot::Time(&mut s.interval, Duration::from_millis(100)..=YEAR),
        "Time between two successful runs.",
    ),
    Key::new(
        "removals",
        Text("confirmed"),
        |s| Slot::Choice(&mut s.removals),
        "`confirmed`: a whole reading that misses all records, or more than nine tenths of 20 or more, removes them only when a \
         second reading, an interval later, misses them too. `unbounded`: at once.",
    ),
    Key::new(
        "filter.names.include",
        Nothing("all"),
        |s| Slot::List(&mut s.filter.include_names, check::PATTERN),
        "Globs of names to show; `*` also crosses `/`.",
    ),
    Key::new(
        "filter.names.exclude",
        Nothing("none"),
        |s| Slot::List(&mut s.filter.exclude_names, check::PATTERN),
        "Globs of names to hide; exclude wins.",
    ),
    Key::new(
        "filter.tags.include",
        Nothing("all"),
        |s| Slot::List(&mut s.filter.include_tags, check::PATTERN),
        "Exact tags, of which a shown record has at least one.",
    ),
    Key::new(
        "filter.tags.exclude",
        Nothing("none"),
        |s| Slot::List(&mut s.filter.exclude_tags, check::PATTERN),
        "Exact tags that hide a record; exclude wins.",
    ),
];

/// Keys of one element of `registries`.
pub(super) const REGISTRY: &[Key<RegistryDraft>] = &[
    Key::new(
        "name",
        Nothing("required"),
        |r| Slot::Text(&mut r.name, check::NAME),
        "Unique among the registries.",
    ),
    Key::new(
        "sources",
        Nothing("required"),
        |r| Slot::List(&mut r.sources, check::NAME),
        "Names of sources, at least one; an earlier one shadows the same record of a later one.",
    ),
    Key::new(
        "validOnly",
        Text("false"),
        |r| Slot::Flag(&mut r.valid_only),
        "Hide records that deviate from the server.json schema, for strict clients.",
    ),
];

impl Words for Option<Format> {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("toolhive", Some(Format::Toolhive)),
        ("upstream", Some(Format::Upstream)),
        ("mcp", Some(Format::Mcp)),
    ];
}

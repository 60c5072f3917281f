//! `docs/configuration.md`, written from the tables, so that it cannot be wrong about a key.

use super::{
    draft::{RegistryDraft, SourceDraft},
    env,
    key::{Bind, Fallback, Key},
    keys, list_keys, load,
    model::Config,
    refused,
};

const INTRODUCTION: &str = "\
# Configuration

<!-- Written by `cargo xtask docs` from the tables in host/src/config. Do not edit. -->

`cairn` reads one YAML file (`--config FILE`, or its path in `CAIRN_CONFIG`), then the environment, then flags; the later
one wins. It checks everything before it starts and names all problems at once, with key and line. `cairn config` prints
the values in effect, with secrets masked; what it prints can be used as a file.

Sources say where records come from, registries which sources are shown under which name and in which order:

```yaml
sources:
  - name: toolhive
    git:
      repository: https://github.com/stacklok/toolhive-catalog.git
      path: pkg/catalog/toolhive/data/registry-upstream.json
    syncPolicy:
      interval: 15m
  - name: official
    api:
      endpoint: https://registry.modelcontextprotocol.io
    syncPolicy:
      interval: 1h
registries:
  - name: default
    sources: [toolhive, official]
auth:
  mode: anonymous
```

The first registry is the default one, which the root bases (`/v0.1`, `/v0`) serve; each is also at `/registry/{name}`.

An older form is read too. There each element of `registries` is a source and a registry of its own name, and
`registryName` (`default` if not given) is the default registry over all of them in order:

```yaml
registryName: my-registry
registries:
  - name: toolhive
    format: upstream
    git:
      repository: https://github.com/stacklok/toolhive-catalog.git
      path: pkg/catalog/toolhive/data/registry-upstream.json
    # Before 2026-02-21: format toolhive, stacklok/toolhive.git, pkg/registry/data/registry.json.
    syncPolicy:
      interval: \"15m\"
auth:
  mode: anonymous
```

Without an `auth` section the server listens on loopback addresses only, and any other address is refused.

**Values.** Durations are written as in Go: `15m`, `1h30m`, `500ms`. Sizes are bytes, or a number with `KiB`, `MiB`,
`GiB` or `TiB`. An address is `IP:port`, or `:port` for every interface, IPv4 and IPv6. A key without value is one that is not there.

**Environment.** Every key outside lists has the variable that its table shows. Where several are shown, giving two of
them different values is an error, but `LOG_LEVEL` only counts when no other is set. An empty variable is one that is not
set. Unknown `CAIRN_…` and `THV_REGISTRY_…` variables fail the start, except those that Kubernetes makes for a Service of
such a name. Secrets are better not written into the file: keys name files that hold them, or a variable gives them.

**Sources on the web.** `api` and `file.url` show a bearer token (`auth.tokenFile`), or a user and a password
(`auth.username`, `auth.passwordFile`), and further headers to the configured origin. Another origin, to which the server
redirects, sees none of them. Files with secrets are read at each pass. `caPath` names certificates of authorities that
are trusted besides the system's. `SSL_CERT_FILE` replaces the system's authorities; a file that it names must be there.

```yaml
sources:
  - name: internal
    api:
      endpoint: https://registry.example.com
      auth:
        tokenFile: /run/secrets/registry-token
      headers:
        X-Tenant: acme
      headerFiles:
        X-Api-Key: /run/secrets/api-key
      caPath: /etc/ssl/internal-ca.pem
    syncPolicy:
      interval: 15m
registries:
  - name: default
    sources: [internal]
```

**Bounds on sources.** Up to five redirects are followed: from a public address to public ones only, from an internal one to
public ones and to its own class (private, loopback, link-local), never from https to http. A read fails when less than
1 KiB per second arrives over 30 s, or over `timeout` if that is shorter. A `Retry-After` counts up to the larger of
`syncPolicy.interval` and an hour. A pass fails when ten pages in a row bring no new record, or when a page leads to a next
one by a cursor that is not understood. A pass with more than 10,000 findings (records that are quarantined, duplicate or
skipped) fails too; what it brought until then is served.

**Folders.** `git.path` may name a folder. Its `.json` files are read in byte order, without those of folders below it. A
file counts if it is a list of servers, or one server with an MCP `$schema`, `packages` or `remotes`, or a name such as
`com.example/server`, or if it is called `server.json`. Files of other programs are passed over. While a file cannot be
read, the others are served and nothing is removed.

**Postgres.** With `database.host` or `database.url` everything is stored on that server instead of a file; nothing else
changes. A password that is not given is looked up where libpq looks: in the file that `PGPASSFILE` names, else in
`~/.pgpass`. One that others may read is refused. There are two exceptions, both for secrets that Kubernetes mounts: a file
of root that the pod's `fsGroup` may read (mode 0640 or 0440) is read with a warning, and so is one of root with mode 0600
that another user may read all the same. Give such a pod an `fsGroup`, and it works with any UID.

**Traces** are sent when `OTEL_EXPORTER_OTLP_ENDPOINT` names a collector, or with `telemetry.enabled` and
`telemetry.tracing.enabled`. Variables that begin with `OTEL_` count only when the key has no other, and go before the file.

**Anchors** and merge keys of YAML work. A key given twice is an error. The file has at most 1 MiB.
";

const REFUSED: &str = "\
## Refused keys

These belong to features that the ToolHive registry server has and this version has not. They fail the start by name. Where
a value is shown, that one may stay.

| key | may stay as | instead |
|---|---|---|
";

/// A group of keys of the configuration: title, first segments of the paths (empty: those without a section).
const SECTIONS: [(&str, &str); 10] = [
    ("Server", ""),
    ("Access", "auth."),
    ("Proxies in front", "server."),
    ("Database", "database."),
    ("Sync daemon", "sync."),
    ("Limits", "limits."),
    ("Response cache", "cache."),
    ("Probes on the public listener", "probes."),
    ("Log", "log."),
    ("Traces", "telemetry."),
];

/// The whole document, as it is committed.
pub fn document() -> String {
    let mut text = String::from(INTRODUCTION);
    for (title, prefix) in SECTIONS {
        text.push_str(&format!("\n## {title}\n\n| key | value | default | environment | meaning |\n|---|---|---|---|---|\n"));
        let here = |key: &&Key<Config>| match prefix {
            "" => !key.path.contains('.'),
            _ => key.path.starts_with(prefix),
        };
        for key in keys::CONFIG.iter().filter(here) {
            let names: Vec<String> = env::names(key)
                .iter()
                .map(|name| format!("`{name}`"))
                .collect();
            row(
                &mut text,
                "",
                key,
                &mut load::blank(),
                Some(&names.join(" ")),
            );
        }
    }
    text.push_str(
        "\n## Sources\n\nA list. Each source has exactly one of `git`, `api` and `file`.\n\n",
    );
    list(
        &mut text,
        "sources[].",
        list_keys::SOURCE,
        &mut SourceDraft::default(),
    );
    text.push_str("\n## Registries\n\nA list with at least one element.\n\n");
    list(
        &mut text,
        "registries[].",
        list_keys::REGISTRY,
        &mut RegistryDraft::default(),
    );
    refusals(&mut text);
    text
}

fn list<T>(text: &mut String, prefix: &str, keys: &[Key<T>], blank: &mut T) {
    text.push_str("| key | value | default | meaning |\n|---|---|---|---|\n");
    for key in keys {
        row(text, prefix, key, blank, None);
    }
}

fn row<T>(text: &mut String, prefix: &str, key: &Key<T>, blank: &mut T, names: Option<&str>) {
    let Bind::To(place) = key.bind else { return };
    let default = match key.default {
        Fallback::Text(value) => format!("`{value}`"),
        Fallback::Nothing(what) | Fallback::Derived(what) => what.to_owned(),
    };
    let mut cells = vec![
        format!("`{prefix}{}`", key.path),
        place(blank).describe(),
        default,
    ];
    cells.extend(names.map(str::to_owned));
    cells.push(key.doc.to_owned());
    text.push_str(&format!("| {} |\n", cells.join(" | ")));
}

fn refusals(text: &mut String) {
    text.push('\n');
    text.push_str(REFUSED);
    refused_rows(text, "", refused::CONFIG);
    refused_rows(text, "sources[].", refused::SOURCE);
    refused_rows(text, "registries[].", refused::REGISTRY);
    for switch in refused::SWITCHES {
        refusal(text, switch.name, switch.off, switch.why);
    }
    let inert: Vec<String> = refused::CONFIG
        .iter()
        .filter(|key| matches!(key.bind, Bind::Inert))
        .map(|key| format!("`{}`", key.path))
        .collect();
    text.push_str(&format!(
        "\nThese only refine a feature that is off, and may stay: {}.\n",
        inert.join(", ")
    ));
}

fn refused_rows<T>(text: &mut String, prefix: &str, keys: &[Key<T>]) {
    for key in keys {
        if let Bind::Refused { off } = key.bind {
            refusal(text, &format!("{prefix}{}", key.path), off, key.doc);
        }
    }
}

fn refusal(text: &mut String, name: &str, off: &[&str], why: &str) {
    let off: Vec<String> = off.iter().map(|value| format!("`{value}`")).collect();
    text.push_str(&format!("| `{name}` | {} | {why} |\n", off.join(", ")));
}

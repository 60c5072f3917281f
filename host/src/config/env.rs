//! The environment as a layer: which variables stand for which keys, and which ones nobody knows. Other programs' variables
//! are none of its business; those with our prefixes are, because a misspelt one would be ignored in silence.

use super::{
    error::{At, Report},
    key::{Bind, Key, is_off, toolhive_twin, twin},
    layer::Layer,
    model::Config,
    refused, suggest,
};

/// Where variables come from: the process, or a map in a test.
pub trait Lookup {
    /// The value, if the variable is set. Bytes that are no UTF-8 come as U+FFFD and are refused where they are used.
    fn get(&self, name: &str) -> Option<String>;
    /// Names of all variables.
    fn names(&self) -> Vec<String>;
}

/// The environment of this process.
pub struct Process;

impl Lookup for Process {
    fn get(&self, name: &str) -> Option<String> {
        std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
    }

    fn names(&self) -> Vec<String> {
        std::env::vars_os()
            .map(|(name, _)| name.to_string_lossy().into_owned())
            .collect()
    }
}

/// Names of the configuration file's path; a flag goes before them.
pub(super) const FILE: [&str; 2] = ["CAIRN_CONFIG", "THV_REGISTRY_CONFIG"];
/// Prefixes whose every variable must be known.
const PREFIXES: [&str; 2] = ["CAIRN_", "THV_REGISTRY_"];
/// Keys that have no variable, as a variable would spell them.
const LISTS: [&str; 2] = ["SOURCES", "REGISTRIES"];

/// All names of a key: ours first, which is the one to recommend.
pub(super) fn names<T>(key: &Key<T>) -> Vec<String> {
    let also = key.also.iter().copied().map(str::to_owned);
    std::iter::once(twin(key.path)).chain(also).collect()
}

/// Like viper, an empty variable is one that is not set.
pub(super) fn value(env: &dyn Lookup, name: &str) -> Option<String> {
    env.get(name).filter(|value| !value.is_empty())
}

/// Reads the environment by the tables, reporting conflicts, refused and unknown variables.
pub(super) fn read(keys: &'static [Key<Config>], env: &dyn Lookup, report: &mut Report) -> Layer {
    let mut layer = Layer::default();
    for key in keys {
        one(key, env, &mut layer, report);
    }
    let mut present: Vec<String> = env.names();
    present.retain(|name| PREFIXES.iter().any(|prefix| name.starts_with(prefix)));
    present.sort();
    for name in present {
        if let Some(message) = objection(&name, keys, env) {
            report.add("", &At::Variable(name), message);
        }
    }
    layer
}

/// The first name that is set wins; prefixed names with different values contradict each other. A shared name such as
/// `LOG_LEVEL` is only a fallback.
fn one(key: &'static Key<Config>, env: &dyn Lookup, layer: &mut Layer, report: &mut Report) {
    let mut set = names(key)
        .into_iter()
        .filter_map(|name| value(env, &name).map(|value| (name, value)));
    let Some((name, chosen)) = set.next() else {
        return;
    };
    for (other, different) in set {
        if different != chosen && PREFIXES.iter().any(|prefix| other.starts_with(prefix)) {
            let message = format!("`{name}` has another value; unset one of the two");
            report.add(key.path, &At::Variable(other), message);
        }
    }
    layer.set(key.path, At::Variable(name), chosen);
}

/// Why a variable with one of our prefixes cannot stay, if so.
fn objection(name: &str, keys: &[Key<Config>], env: &dyn Lookup) -> Option<String> {
    let known = || keys.iter().flat_map(names);
    if FILE.contains(&name) || known().any(|known| known == name) || is_service_link(name, env) {
        return None;
    }
    let text = value(env, name)?;
    if let Some(switch) = refused::SWITCHES.iter().find(|switch| switch.name == name) {
        return (!is_off(switch.off, &text)).then(|| switch.why.to_owned());
    }
    if let Some(key) = refused::CONFIG.iter().find(|key| stands_for(name, key)) {
        return match key.bind {
            Bind::Refused { off } if !is_off(off, &text) => Some(key.doc.to_owned()),
            _ => None,
        };
    }
    let bare = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix));
    if bare.is_some_and(|name| LISTS.iter().any(|list| name.starts_with(list))) {
        return Some("lists can only be given in the file; unset the variable".to_owned());
    }
    let known: Vec<String> = known().collect();
    let nearest = suggest::nearest(name, known.iter().map(String::as_str));
    Some(match nearest {
        Some(found) => format!("is unknown; did you mean `{found}`?"),
        None => "is unknown; unset it, or see `cairn config --document` for all names".to_owned(),
    })
}

/// Whether the variable is the twin of a refused or inert key, or of one below it.
fn stands_for(name: &str, key: &Key<Config>) -> bool {
    let below = |twin: &str| {
        name.strip_prefix(twin)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    };
    below(&twin(key.path)) || below(&toolhive_twin(key.path))
}

/// Kubernetes describes each Service of the namespace to every pod: a Service called `cairn` makes `CAIRN_PORT`,
/// `CAIRN_SERVICE_HOST` and others, which are not settings.
fn is_service_link(name: &str, env: &dyn Lookup) -> bool {
    let link = |value: String| {
        ["tcp://", "udp://", "sctp://"]
            .iter()
            .any(|scheme| value.starts_with(scheme))
    };
    let protocol = |rest: &str| {
        let mut parts = rest.split('_');
        let port = parts
            .next()
            .is_some_and(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
        port && matches!(parts.next(), Some("TCP" | "UDP" | "SCTP"))
            && matches!(
                (parts.next(), parts.next()),
                (None | Some("ADDR" | "PORT" | "PROTO"), None)
            )
    };
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || name.ends_with("_PORT") && env.get(name).is_some_and(link)
        || name
            .rsplit_once("_PORT_")
            .is_some_and(|(_, rest)| protocol(rest))
}

#[cfg(test)]
impl Lookup for std::collections::BTreeMap<String, String> {
    fn get(&self, name: &str) -> Option<String> {
        std::collections::BTreeMap::get(self, name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn variables_that_kubernetes_makes_for_a_service_are_not_settings() {
        for (name, value, expected) in [
            ("CAIRN_SERVICE_HOST", "10.0.0.1", true),
            ("CAIRN_SERVICE_PORT", "80", true),
            ("CAIRN_SERVICE_PORT_HTTP", "80", true),
            ("CAIRN_PORT", "tcp://10.0.0.1:80", true),
            ("CAIRN_PORT", "8080", false),
            ("CAIRN_PORT_80_TCP", "tcp://10.0.0.1:80", true),
            ("CAIRN_PORT_80_TCP_ADDR", "10.0.0.1", true),
            ("CAIRN_PORT_80_TCP_PORT", "80", true),
            ("CAIRN_PORT_80_TCP_PROTO", "tcp", true),
            ("CAIRN_INTERNAL_PORT_8081_TCP_PORT", "8081", true),
            ("THV_REGISTRY_API_SERVICE_HOST", "10.0.0.1", true),
            ("CAIRN_PORT_80", "80", false),
            ("CAIRN_PORT_X_TCP", "80", false),
        ] {
            let env = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            assert_eq!(is_service_link(name, &env), expected, "{name}={value}");
        }
    }
}

//! The effective configuration as text: what was given and every default, in the current form, so that it can be loaded
//! again. It shows no secret.

use super::{
    draft::{RegistryDraft, SourceDraft},
    key::{Bind, Key},
    keys, list_keys,
    model::Config,
    tree::Tree,
};

/// As YAML.
pub fn effective(config: &Config) -> String {
    serde_saphyr::to_string(&tree(config)).unwrap_or_else(|error| format!("# {error}\n"))
}

/// As JSON, of the same keys.
pub fn effective_json(config: &Config) -> String {
    serde_json::to_string_pretty(&tree(config)).unwrap_or_else(|error| format!("\"{error}\""))
}

fn tree(config: &Config) -> Tree {
    let sources = config
        .sources
        .iter()
        .map(|source| shown(list_keys::SOURCE, &mut SourceDraft::from(source)))
        .collect();
    let registries = config
        .registries
        .iter()
        .map(|view| shown(list_keys::REGISTRY, &mut RegistryDraft::from(view)))
        .collect();
    let mut tree = shown(&keys::CONFIG, &mut config.clone());
    tree.insert("sources", Tree::List(sources));
    tree.insert("registries", Tree::List(registries));
    tree
}

fn shown<T>(keys: &[Key<T>], value: &mut T) -> Tree {
    let mut tree = Tree::Map(Vec::new());
    for key in keys {
        if let Bind::To(place) = key.bind
            && let Some(shown) = place(value).show()
        {
            tree.insert(key.path, shown);
        }
    }
    tree
}

//! Files that a configuration names: secrets, certificates, sources. It opens none of them.

use std::path::PathBuf;

use super::{
    draft::SourceDraft,
    key::{Bind, Key},
    keys, list_keys,
    model::Config,
    slot::Slot,
};

/// Paths of all keys that name a file, and of the password file; the database and its directory are not among them.
pub fn named_files(config: &Config) -> Vec<PathBuf> {
    let mut files = paths(&keys::CONFIG, &mut config.clone());
    for source in &config.sources {
        files.extend(paths(list_keys::SOURCE, &mut SourceDraft::from(source)));
    }
    let server = config.database.postgres.as_ref();
    files.extend(server.and_then(|server| server.password_file.clone()));
    let own = [&config.database.path, &config.data_dir];
    files.retain(|file| !file.as_os_str().is_empty() && !own.contains(&file));
    files
}

fn paths<T>(keys: &[Key<T>], value: &mut T) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for key in keys {
        if let Bind::To(place) = key.bind
            && let Slot::Path(path, _) = place(value)
        {
            found.push(path.clone());
        }
    }
    found
}

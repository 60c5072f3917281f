//! The nearest known name for one that is unknown.

/// The candidate that was probably meant: few edits away, case and separators aside.
pub(super) fn nearest<'c>(
    name: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let wanted = plain(name);
    let allowed = (wanted.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&wanted, &plain(candidate)), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase()
}

/// The message for a key that no table has: the nearest one in the same section, else one of the same name elsewhere.
pub(super) fn unknown_key(path: &str, base: &str, known: &[&str]) -> String {
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let lists: &[&str] = if base.is_empty() {
        &["sources", "registries"]
    } else {
        &[]
    };
    let known = || known.iter().chain(lists).copied();
    let prefix = if parent.is_empty() {
        String::new()
    } else {
        format!("{parent}.")
    };
    let siblings = known()
        .filter_map(|path| path.strip_prefix(&prefix))
        .filter_map(|rest| rest.split('.').next());
    let sibling = nearest(name, siblings).map(|found| format!("{prefix}{found}"));
    let same_name = |path: &&str| {
        path.rsplit('.')
            .next()
            .is_some_and(|last| plain(last) == plain(name))
    };
    let found = sibling.or_else(|| known().find(same_name).map(str::to_owned));
    match found {
        Some(found) => format!("is unknown; did you mean `{found}`?"),
        None => "is unknown; remove it, or see `cairn config --document` for all keys".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_a_few_edits_away_or_none() {
        let known = [
            "address",
            "internalAddress",
            "database.path",
            "database.busyTimeout",
            "cache.size",
        ];
        for (unknown, expected) in [
            ("adress", Some("address")),
            ("Address", Some("address")),
            ("internal-address", Some("internalAddress")),
            ("databse", Some("database")),
            ("database.paht", Some("database.path")),
            ("database.busy_timeout", Some("database.busyTimeout")),
            ("busyTimeout", Some("database.busyTimeout")),
            ("source", Some("sources")),
            ("x", None),
            ("password", None),
        ] {
            let message = unknown_key(unknown, "", &known);
            match expected {
                Some(name) => assert!(
                    message.ends_with(&format!("`{name}`?")),
                    "{unknown}: {message}"
                ),
                None => assert!(!message.contains("did you mean"), "{unknown}: {message}"),
            }
        }
    }
}

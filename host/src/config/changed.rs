//! Differences between two configurations, by key.

use super::{key::Bind, keys, model::Config};

/// Keys outside lists whose values differ. Of a secret only its section is named.
pub fn changed(before: &Config, after: &Config) -> Vec<&'static str> {
    let (mut old, mut new) = (before.clone(), after.clone());
    let mut differs = |bind: Bind<Config>| match bind {
        Bind::To(place) => place(&mut old).show() != place(&mut new).show(),
        Bind::Refused { .. } | Bind::Inert => false,
    };
    let mut found: Vec<&str> = keys::CONFIG
        .iter()
        .filter(|key| differs(key.bind))
        .map(|key| key.path)
        .collect();
    for (section, is_other) in [
        (
            "database",
            before.database.postgres != after.database.postgres,
        ),
        ("telemetry", before.telemetry != after.telemetry),
    ] {
        if is_other && !found.iter().any(|key| key.starts_with(section)) {
            found.push(section);
        }
    }
    found
}

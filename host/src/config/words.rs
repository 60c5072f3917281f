//! The words of values that are one of few.

use super::{
    model::{Auth, DatabaseType, Removals, Tls},
    slot::Words,
};

impl Words for Auth {
    const WORDS: &'static [(&'static str, Self)] = &[("anonymous", Self::Anonymous)];
    const REFUSED: &'static [(&'static str, &'static str)] = &[(
        "oauth",
        "not supported yet in this version; set `anonymous` and let a proxy in front check tokens, or remove `auth` to \
         serve loopback only",
    )];
}

/// Whether lines are JSON.
impl Words for Option<bool> {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", None), ("text", Some(false)), ("json", Some(true))];
}

impl Words for DatabaseType {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("auto", Self::Auto),
        ("libsql", Self::Libsql),
        ("sqlite", Self::Libsql),
        ("postgres", Self::Postgres),
        ("postgresql", Self::Postgres),
    ];
    const REFUSED: &'static [(&'static str, &'static str)] =
        &[("mysql", MYSQL), ("mariadb", MYSQL)];
}

const MYSQL: &str = "not supported; use `postgres`, or `libsql` for the embedded database";

impl Words for Removals {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("confirmed", Self::Confirmed),
        ("unbounded", Self::Unbounded),
    ];
}

impl Words for Tls {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("disable", Self::Disable),
        ("prefer", Self::Prefer),
        // libpq's would rather not encrypt; whoever allows it will not mind.
        ("allow", Self::Prefer),
        ("require", Self::Require),
        ("verify-ca", Self::VerifyCa),
        ("verify-full", Self::VerifyFull),
    ];
}

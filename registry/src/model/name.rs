//! Names of namespaces, sources and registries: valid by existing.

use std::fmt;

use crate::{Error, Result};

macro_rules! label {
    ($(#[$doc:meta])* $name:ident, $field:literal) => {
        $(#[$doc])*
        /// An RFC 1123 label: 1 to 63 of `a-z`, `0-9` and `-`, beginning and ending with a letter or digit.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Refuses what is no RFC 1123 label.
            pub fn new(text: &str) -> Result<Self> {
                if is_label(text) {
                    return Ok(Self(text.to_owned()));
                }
                Err(Error::invalid(
                    $field,
                    text,
                    concat!($field, " must be 1 to 63 lower-case letters, digits and hyphens"),
                ))
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

label!(
    /// The tenant: every table, key, cursor and cache entry carries it.
    Namespace, "namespace"
);
label!(
    /// A place records come from.
    SourceName, "source"
);
label!(
    /// An ordered view over sources.
    RegistryName, "registry"
);

impl Default for Namespace {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

fn is_label(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(allowed)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::RegistryName;

    #[test]
    fn only_rfc_1123_labels_are_names() {
        let check =
            |text: &str, valid| assert_eq!(RegistryName::new(text).is_ok(), valid, "{text}");
        check("default", true);
        check("a", true);
        check("my-registry-2", true);
        check(&"a".repeat(63), true);
        check(&"a".repeat(64), false);
        check("", false);
        check("-a", false);
        check("a-", false);
        check("My", false);
        check("a.b", false);
    }
}

//! What a key declaration is. Each key of a configuration is declared once, in a table of `keys.rs`, `list_keys.rs` or
//! `refused.rs`; reading, the check for unknown keys, environment names, the effective values and the documentation all come
//! from those tables.

pub(super) use Fallback::{Derived, Nothing, Text};

use super::slot::Slot;

/// One key of a `T`: the configuration itself, or one element of `sources` or `registries`.
pub(super) struct Key<T: 'static> {
    /// Dotted, relative to `T`; of a section that is refused or inert as a whole, its path.
    pub path: &'static str,
    pub default: Fallback,
    /// One sentence for the documentation.
    pub doc: &'static str,
    /// Environment names besides the derived one.
    pub also: &'static [&'static str],
    pub bind: Bind<T>,
}

/// What holds when nobody gives the key.
#[derive(Clone, Copy)]
pub(super) enum Fallback {
    /// Nothing: it is required, or its absence has a meaning; the documentation says which.
    Nothing(&'static str),
    /// As if this were written.
    Text(&'static str),
    /// Computed from other keys, as described.
    Derived(&'static str),
}

/// What a key does.
pub(super) enum Bind<T: 'static> {
    /// It writes a place.
    To(fn(&mut T) -> Slot<'_>),
    /// It belongs to something that does not exist yet; any value but those listed fails the start.
    Refused {
        /// Spellings that mean "off".
        off: &'static [&'static str],
    },
    /// It only refines something that is off; it may stand there, with everything below it.
    Inert,
}

impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Key<T> {}

impl<T> Clone for Bind<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Bind<T> {}

impl<T> Key<T> {
    /// A key that writes a place.
    pub(super) const fn new(
        path: &'static str,
        default: Fallback,
        place: fn(&mut T) -> Slot<'_>,
        doc: &'static str,
    ) -> Self {
        Self {
            path,
            default,
            doc,
            also: &[],
            bind: Bind::To(place),
        }
    }

    /// A key, or a section with all below it, whose feature does not exist; `why` names the remedy.
    pub(super) const fn refused(
        path: &'static str,
        off: &'static [&'static str],
        why: &'static str,
    ) -> Self {
        Self {
            path,
            default: Nothing(""),
            doc: why,
            also: &[],
            bind: Bind::Refused { off },
        }
    }

    /// A key, or a section with all below it, that only matters when a refused one is on.
    pub(super) const fn inert(path: &'static str) -> Self {
        Self {
            path,
            default: Nothing(""),
            doc: "",
            also: &[],
            bind: Bind::Inert,
        }
    }

    /// More environment names.
    pub(super) const fn also(mut self, names: &'static [&'static str]) -> Self {
        self.also = names;
        self
    }
}

/// Whether a refused key asks for nothing that we lack; case does not matter.
pub(super) fn is_off(off: &[&str], text: &str) -> bool {
    off.iter().any(|off| off.eq_ignore_ascii_case(text))
}

/// The environment twin of a key path: `database.busyTimeout` is `CAIRN_DATABASE_BUSY_TIMEOUT`.
pub(super) fn twin(path: &str) -> String {
    let mut name = String::from("CAIRN_");
    for letter in path.chars() {
        match letter {
            '.' => name.push('_'),
            _ => {
                if letter.is_ascii_uppercase() {
                    name.push('_');
                }
                name.push(letter.to_ascii_uppercase());
            }
        }
    }
    name
}

/// The name that the ToolHive registry server gives the same path: `THV_REGISTRY_DATABASE_BUSYTIMEOUT`.
pub(super) fn toolhive_twin(path: &str) -> String {
    format!(
        "THV_REGISTRY_{}",
        path.replace('.', "_").to_ascii_uppercase()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_names_follow_from_the_path() {
        for (path, ours, theirs) in [
            ("address", "CAIRN_ADDRESS", "THV_REGISTRY_ADDRESS"),
            ("auth.mode", "CAIRN_AUTH_MODE", "THV_REGISTRY_AUTH_MODE"),
            (
                "database.maxOpenConns",
                "CAIRN_DATABASE_MAX_OPEN_CONNS",
                "THV_REGISTRY_DATABASE_MAXOPENCONNS",
            ),
        ] {
            assert_eq!(
                (twin(path).as_str(), toolhive_twin(path).as_str()),
                (ours, theirs)
            );
        }
    }
}

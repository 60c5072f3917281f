//! `spin:variables`: values from the operator's configuration.

use std::{collections::BTreeMap, sync::Arc};

use wasmtime::{
    Result,
    component::{Accessor, HasData},
};

use super::bindings::spin::variables::variables::{Error, Host, HostWithStore};

/// Values by name. A name is lower case letters, digits and single underscores, and begins with a letter.
pub type Variables = BTreeMap<String, String>;

/// Names the interface's part of an instance for the linker.
pub(crate) struct HasVariables;

impl HasData for HasVariables {
    type Data<'a> = &'a mut Arc<Variables>;
}

impl Host for &mut Arc<Variables> {}

impl<T: 'static> HostWithStore<T> for HasVariables {
    async fn get(
        store: &Accessor<T, Self>,
        name: String,
    ) -> Result<std::result::Result<String, Error>> {
        let variables = store.with(|mut store| Arc::clone(store.get()));
        if let Some(fault) = fault(&name) {
            return Ok(Err(Error::InvalidName(fault.to_owned())));
        }
        Ok(variables.get(&name).cloned().ok_or(Error::Undefined(name)))
    }
}

fn fault(name: &str) -> Option<&'static str> {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        Some("a name begins with a lower case letter")
    } else if !name.chars().all(letters) {
        Some("a name holds lower case letters, digits and underscores only")
    } else if name.ends_with('_') || name.contains("__") {
        Some("an underscore stands between two letters or digits")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn names_follow_the_interface() {
        for (name, valid) in [
            ("registry_name", true),
            ("a1", true),
            ("", false),
            ("1a", false),
            ("Registry", false),
            ("a-b", false),
            ("a__b", false),
            ("a_", false),
            ("_a", false),
        ] {
            assert_eq!(fault(name).is_none(), valid, "{name:?}");
        }
    }
}

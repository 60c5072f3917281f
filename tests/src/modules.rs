//! A file of a test binary's folder that its `main.rs` does not list is compiled by nobody, and passes for ever.

use std::{fs, path::Path};

/// Fails for the first file of `folder`, which lies beside this package's manifest, that is no module of `main`.
pub fn assert_all_listed(folder: &str, main: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    for file in fs::read_dir(folder).expect("the folder") {
        let name = file.expect("a file").file_name();
        let name = name.to_string_lossy();
        if let Some(module) = name.strip_suffix(".rs").filter(|name| *name != "main") {
            assert!(main.contains(&format!("\nmod {module};\n")), "{module}");
        }
    }
}

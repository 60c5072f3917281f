//! What every target must do, whatever it runs on: no case knows which one it asks. One module per surface.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "failing loudly is a test's purpose"
)]

mod caching;
mod clients;
mod cursors;
mod deletions;
mod documents;
mod errors;
mod health;
mod hostile;
mod latest;
mod lists;
mod methods;
mod names;
mod pages;
mod records;
mod search;
mod updates;
mod versions;

/// A file that is not in the list above would be compiled by nobody.
#[test]
fn every_file_of_the_folder_is_a_module() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/cases");
    for file in std::fs::read_dir(folder).expect("the folder") {
        let name = file.expect("a file").file_name();
        let name = name.to_string_lossy();
        if let Some(module) = name.strip_suffix(".rs").filter(|name| *name != "main") {
            let line = format!("\nmod {module};\n");
            assert!(include_str!("main.rs").contains(&line), "{module}");
        }
    }
}

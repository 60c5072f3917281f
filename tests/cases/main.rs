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

#[test]
fn every_file_of_the_folder_is_a_module() {
    cairn_tests::modules::assert_all_listed("cases", include_str!("main.rs"));
}

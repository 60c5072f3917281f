//! The router in process, over a real SQLite file made by the migrations. No libsql is linked here: what passes shows
//! that stock SQLite reads what we write.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod caching;
mod database;
mod documents;
mod fixture;
mod limits_and_errors;
mod lists;
mod methods;
mod pages;
mod sqlite;
mod store_suite;

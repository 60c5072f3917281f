#[allow(
    dead_code,
    unused_imports,
    reason = "the commands that use it come with the command line"
)]
mod config;

fn main() {}

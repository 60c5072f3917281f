#[expect(dead_code, reason = "the configuration is read by later rooms")]
mod config {
    pub(crate) mod model;
}
#[allow(
    dead_code,
    unused_imports,
    reason = "the daemon that calls it comes on top"
)]
mod sync;

fn main() {}

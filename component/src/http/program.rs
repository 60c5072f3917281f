//! The program, as it was built. It says nothing of the process.

pub(crate) const NAME: &str = "cairn";
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Unknown to a build outside a repository.
pub(crate) const COMMIT: Option<&str> = option_env!("CAIRN_COMMIT");

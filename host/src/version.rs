//! Which build this is.

use serde::Serialize;

/// As `/version` shows it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Version {
    pub version: &'static str,
    pub commit: &'static str,
    pub build_date: &'static str,
    pub rust_version: &'static str,
    pub platform: &'static str,
}

impl Version {
    /// This build. The commit is that of `CAIRN_COMMIT`, else of the checkout; the date is that of `CAIRN_BUILD_DATE`.
    #[must_use]
    pub fn current() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            commit: option_env!("CAIRN_COMMIT").unwrap_or("unknown"),
            build_date: option_env!("CAIRN_BUILD_DATE").unwrap_or("unknown"),
            rust_version: env!("CAIRN_RUST_VERSION"),
            platform: env!("CAIRN_PLATFORM"),
        }
    }
}

//! JSON text written by hand where ready bytes are made.

/// A JSON string literal (RFC 8259, section 7).
#[must_use]
pub fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

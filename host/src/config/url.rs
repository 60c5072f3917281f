//! URLs that an operator gives: what they must be, and how they are shown. It fetches nothing.

use reqwest::Url;

/// A URL that is used as it stands.
pub(super) fn document(text: &str) -> Result<(), String> {
    parsed(text).map(drop)
}

fn parsed(text: &str) -> Result<Url, String> {
    let wrong = || "is not a URL of the form http://host/path or https://host/path".to_owned();
    let lower = text.to_ascii_lowercase();
    if !(lower.starts_with("http://") || lower.starts_with("https://"))
        || text.contains(char::is_whitespace)
    {
        return Err(wrong());
    }
    let url = Url::parse(text).map_err(|_| wrong())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("carries a user or password, which logs would show; remove it, and for git use auth.username and \
                    auth.passwordFile"
            .to_owned());
    }
    if url.fragment().is_some() {
        return Err("has a fragment (`#…`), which is never sent; remove it".to_owned());
    }
    if text.contains(MASK) {
        return Err(format!(
            "has the mask `{MASK}`, which `cairn config` shows in place of a secret; give the true value"
        ));
    }
    Ok(url)
}

/// A URL to which paths are appended.
pub(super) fn base(text: &str) -> Result<(), String> {
    match parsed(text)?.query() {
        None => Ok(()),
        Some(_) => {
            Err("has a query (`?…`), but paths are appended to it; remove the query".to_owned())
        }
    }
}

/// Text in place of a value.
const MASK: &str = "***";

/// Parameters that say what is asked for; the values of all others may be secrets and are shown as `***`.
const HARMLESS: [&str; 20] = [
    "ref", "branch", "tag", "commit", "sha", "at", "path", "file", "filename", "format", "type",
    "version", "v", "raw", "inline", "download", "page", "limit", "lang", "search",
];

/// The URL as it may be shown, with the values of parameters replaced that may be secrets.
pub(super) fn masked(text: &str) -> String {
    let Some((base, query)) = text.split_once('?') else {
        return text.to_owned();
    };
    let mask = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if !is_harmless(name) => format!("{name}={MASK}"),
        Some(_) => pair.to_owned(),
        // It has no name and may be a secret itself.
        None => MASK.to_owned(),
    };
    let pairs: Vec<String> = query.split('&').map(mask).collect();
    format!("{base}?{}", pairs.join("&"))
}

fn is_harmless(parameter: &str) -> bool {
    HARMLESS.contains(&parameter.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_web_urls_without_credentials() {
        for (text, expected) in [
            ("https://github.com/stacklok/toolhive.git", true),
            ("http://127.0.0.1:4000/x.git", true),
            ("HTTPS://example.com", true),
            ("http://[::1]:80/", true),
            ("https://example.com/raw?ref=main", true),
            ("ssh://git@example.com/x", false),
            ("git@example.com:x.git", false),
            ("file:///etc/passwd", false),
            ("https:example.com", false),
            ("https://", false),
            ("https://user@example.com/", false),
            ("https://user:hunter2@example.com/", false),
            ("https://example.com/ x", false),
            ("https://example.com/#main", false),
            ("https://example.com/raw?token=***", false),
            ("", false),
        ] {
            assert_eq!(document(text).is_ok(), expected, "{text}");
        }
        let message = document("https://user:hunter2@example.com/").expect_err("credentials");
        assert!(!message.contains("hunter2"), "{message}");
    }

    #[test]
    fn a_base_url_has_no_query() {
        assert_eq!(
            base("https://registry.example.com/registry/default"),
            Ok(())
        );
        assert!(base("https://registry.example.com?x=1").is_err());
    }

    #[test]
    fn a_shown_url_hides_what_looks_secret() {
        for (url, shown) in [
            ("https://e.com/x", "https://e.com/x"),
            ("https://e.com/x?ref=main", "https://e.com/x?ref=main"),
            (
                "https://e.com/x?ref=main&private_token=abc",
                "https://e.com/x?ref=main&private_token=***",
            ),
            (
                "https://e.com/x?X-Amz-Signature=abc&a",
                "https://e.com/x?X-Amz-Signature=***&***",
            ),
            (
                "https://e.com/x?code=abc&pw=def&st=2026&Ref=main",
                "https://e.com/x?code=***&pw=***&st=***&Ref=main",
            ),
        ] {
            assert_eq!(masked(url), shown);
        }
    }
}

//! Keys with which a source identifies itself.

use super::{super::effective, read};

#[test]
fn keys_that_identify_a_source_are_checked() {
    let element = |keys: &str| {
        let api = format!("    api: {{ endpoint: https://r.example, {keys} }}\n");
        format!(
            "sources:\n  - name: a\n    syncPolicy: {{ interval: 1m }}\n{api}registries: [{{ name: all, sources: [a] }}]\n"
        )
    };
    for (keys, expected) in [
        (
            "auth: { tokenFile: /t, username: u, passwordFile: /p }",
            "contradicts",
        ),
        ("auth: { username: u }", "api.auth.passwordFile: is missing"),
        ("auth: { tokenFile: t }", "not an absolute path"),
        (
            "headers: { Authorization: Bearer x }",
            "api.headers.Authorization: may hold a secret",
        ),
        ("headers: { X-A: 1, x-a: 2 }", "given twice"),
        (
            "headers: { X-A: 1 }, headerFiles: { X-A: /f }",
            "given twice",
        ),
        ("headers: { X-A: [1] }", "is not a text"),
        ("headers: x", "is a section"),
        (
            "auth: { tokenFile: /t }, headerFiles: { Authorization: /f }",
            "given twice",
        ),
        ("caPath: ca.pem", "not an absolute path"),
    ] {
        let error = read(element(keys), &[]).expect_err(keys).to_string();
        assert!(error.contains(expected), "no `{expected}` in: {error}");
    }
    let good =
        "auth: { tokenFile: /t }, headers: { X-A: 1 }, headerFiles: { X-B: /f }, caPath: /ca.pem";
    let config = read(element(good), &[]).expect("loads");
    let shown = effective(&config);
    assert_eq!(read(&shown, &[]).expect("loads again"), config, "{shown}");
    let local = "sources: [{ name: a, file: { path: x, auth: { tokenFile: /t } }, syncPolicy: { interval: 1m } }]\n\
        registries: [{ name: all, sources: [a] }]\n";
    let error = read(local, &[]).expect_err("a path").to_string();
    assert!(
        error.contains("file.auth.tokenFile: only applies to `file.url`"),
        "{error}"
    );
}

//! Files of a folder, which may belong to other programs: what marks one as a file of servers. It judges no record.

use memchr::memmem;

use super::element::members;

/// Files of other programs, whatever is in them.
const FOREIGN: [&str; 9] = [
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "jsconfig.json",
    "composer.json",
    "deno.json",
    "bower.json",
    "angular.json",
    "renovate.json",
];

/// Part of the addresses of MCP's schemas.
const SCHEMA: &str = "modelcontextprotocol";

/// Keys of which a file of servers has at least one.
const KEYS: [&str; 7] = [
    SCHEMA,
    "\"servers\"",
    "\"remote_servers\"",
    "\"packages\"",
    "\"remotes\"",
    "\"server\"",
    "\"name\"",
];

/// Returns true if a file of a folder is meant for a registry: a list of servers, or one server with an MCP `$schema`,
/// `packages` or `remotes`, a name in reverse DNS form, or in a `server.json`.
pub(crate) fn is_of_registry(path: &str, content: &[u8]) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    let text = String::from_utf8_lossy(content);
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    if FOREIGN.contains(&file) {
        return schema_of(text).is_some_and(|schema| schema.contains(SCHEMA));
    }
    file == "server.json" || text.starts_with('[') || is_marked(text)
}

fn is_marked(text: &str) -> bool {
    let keys = [
        "$schema",
        "packages",
        "remotes",
        "servers",
        "remote_servers",
        "groups",
        "data",
        "server",
        "name",
    ];
    let Ok(found) = members(text, keys) else {
        // It is broken. What may have been a file of servers must not be taken for another program's.
        return KEYS
            .iter()
            .any(|key| memmem::find(text.as_bytes(), key.as_bytes()).is_some());
    };
    let [
        schema,
        packages,
        remotes,
        servers,
        remote_servers,
        groups,
        data,
        server,
        name,
    ] = found.map(|value| value.map_or("", |value| value.get()));
    schema.contains(SCHEMA)
        || [packages, remotes, servers, groups]
            .iter()
            .any(|value| value.starts_with('['))
        || [servers, remote_servers]
            .iter()
            .any(|value| value.starts_with('{'))
        || (data.starts_with('{') && data.contains("\"servers\""))
        || (server.starts_with('{') && is_marked(server))
        || is_server_name(name.trim_matches('"'))
}

fn schema_of(text: &str) -> Option<&str> {
    let [schema] = members(text, ["$schema"]).ok()?;
    schema.map(|value| value.get())
}

/// Such as `com.example/server`: the part before the slash has a dot, unlike that of an npm or Composer package.
fn is_server_name(name: &str) -> bool {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    name.split_once('/').is_some_and(|(space, name)| {
        space.contains('.') && !name.is_empty() && space.chars().chain(name.chars()).all(allowed)
    })
}

#[cfg(test)]
mod tests {
    use super::is_of_registry;

    #[test]
    fn files_of_other_programs_are_told_from_files_of_servers() {
        for (path, content, expected) in [
            ("x.json", r#"{"servers":[]}"#, true),
            ("x.json", r#"{"servers":{}}"#, true),
            ("x.json", r#"{"remote_servers":{}}"#, true),
            ("x.json", r#"{"data":{"servers":[]}}"#, true),
            ("x.json", "\u{feff} [{}]", true),
            (
                "x.json",
                r#"{"$schema":"https://static.modelcontextprotocol.io/s.json"}"#,
                true,
            ),
            ("x.json", r#"{"name":"x","packages":[]}"#, true),
            ("x.json", r#"{"name":"x","remotes":[]}"#, true),
            ("x.json", r#"{"server":{"name":"com.example/x"}}"#, true),
            ("x.json", r#"{"name":"com.example/x"}"#, true),
            ("x.json", r#"{"name":"@scope/x","version":"1"}"#, false),
            ("x.json", r#"{"name":"vendor/x","version":"1"}"#, false),
            ("x.json", r#"{"name":"x","packages":{"":{}}}"#, false),
            ("x.json", r#"{"server":{"port":80}}"#, false),
            ("x.json", r#"{"tabs":4}"#, false),
            ("x.json", "4", false),
            ("a/server.json", r#"{"name":"x"}"#, true),
            ("a/server.json", "{", true),
            (
                "a/package.json",
                r#"{"name":"com.example/x","version":"1"}"#,
                false,
            ),
            (
                "a/package.json",
                r#"{"$schema":"https://static.modelcontextprotocol.io/s.json"}"#,
                true,
            ),
            (
                "tsconfig.json",
                "{ // x\n \"plugins\": [{\"name\": \"y\"}] }",
                false,
            ),
            (
                "tsconfig.build.json",
                "{ // x\n \"compilerOptions\": {} }",
                false,
            ),
            ("x.json", r#"{"name":"com.example/x""#, true),
        ] {
            let found = is_of_registry(path, content.as_bytes());
            assert_eq!(found, expected, "{path}: {content}");
        }
    }
}

//! What is refused, where it is said to be, and the remedy.

use super::{FINE, OLDER, check, source};

#[test]
fn every_problem_is_named_at_once_with_its_line() {
    check(
        "adress: :1
sources:
  - name: Bad_Name
    git: { repository: ssh://x, branch: main, tag: v1 }
    syncPolicy: { interval: 15 }
registries:
  - name: r
    sources: [nowhere]
limits: { requests: many, bodySize: 1B, drainTimeout: 9h }
",
        &[
            "1: adress: is unknown; did you mean `address`?",
            "3: sources[0].name: `Bad_Name` is not a name; use at most 63 of a–z, 0–9 and `-`, with a letter or digit first and last",
            "4: sources[0].git.tag: contradicts `sources[0].git.branch`; keep one of the two",
            "4: sources[0].git.repository: is not a URL of the form http://host/path or https://host/path",
            "5: sources[0].syncPolicy.interval: `15` is not a duration; write a number with a unit, such as 15m, 1h30m or 500ms",
            "8: registries[0].sources[0]: there is no source `nowhere`; add it to `sources`, or remove it here",
            "9: limits.requests: `many` is not a whole number",
            "9: limits.bodySize: 1 is out of range; choose between 1KiB and 1GiB",
            "9: limits.drainTimeout: 9h is out of range; choose between 0s and 1h",
        ],
    );
}

#[test]
fn a_source_has_one_origin_with_what_that_needs() {
    for (keys, expected) in [
        (
            "    syncPolicy: { interval: 1m }\n",
            &["3: sources[0]: has no origin; give one of `git`, `api` and `file`"][..],
        ),
        (
            "    syncPolicy: { interval: 1m }\n    git: { repository: http://h/x }\n    api: { endpoint: http://h/ }\n",
            &["6: sources[0].api: is a second origin besides `git`; make it a source of its own"],
        ),
        (
            "    git: { repository: http://h/x }\n",
            &["3: sources[0].syncPolicy.interval: is missing"],
        ),
        (
            "    syncPolicy: { interval: 1m }\n    git: {}\n",
            &["3: sources[0].git.repository: is missing"],
        ),
        (
            "    syncPolicy: { interval: 1m }\n    api: { timeout: 1s }\n",
            &["3: sources[0].api.endpoint: is missing"],
        ),
        (
            "    syncPolicy: { interval: 1m }\n    file: {}\n",
            &["5: sources[0].file: has neither `path` nor `url`; give one of them"],
        ),
        (
            "    syncPolicy: { interval: 1m }\n    file: { path: a, url: http://h/ }\n",
            &["5: sources[0].file.url: contradicts `sources[0].file.path`; keep one of the two"],
        ),
        (
            "    syncPolicy: { interval: 1m }\n    file: { path: a, timeout: 1s }\n",
            &["5: sources[0].file.timeout: only applies to `file.url`; remove it"],
        ),
        (
            "    syncPolicy: { interval: 1m }\n    git: { repository: http://h/x, auth: { username: u } }\n",
            &["3: sources[0].git.auth.passwordFile: is missing"],
        ),
        (
            "    syncPolicy: { interval: 1m }\n    git: { repository: http://h/x, auth: { username: u, passwordFile: p } }\n",
            &[
                "5: sources[0].git.auth.passwordFile: `p` is not an absolute path; start it with `/`",
            ],
        ),
        (
            "    syncPolicy: { interval: 0s }\n    api: { endpoint: http://h, timeout: 5m1s }\n",
            &[
                "4: sources[0].syncPolicy.interval: 0s is out of range; choose between 100ms and 8760h",
                "5: sources[0].api.timeout: 5m1s is out of range; choose between 1ms and 5m",
            ],
        ),
        (
            "    syncPolicy: { interval: 1m }\n    format: yaml\n    file: { path: a }\n",
            &["5: sources[0].format: `yaml` is unknown; choose one of toolhive, upstream, mcp"],
        ),
    ] {
        check(&source(keys), expected);
    }
}

#[test]
fn lists_hold_what_they_should() {
    for (file, expected) in [
        (
            "address: 127.0.0.1:1\n",
            &["registries: is missing; give at least one registry"][..],
        ),
        (
            "sources: {}\nregistries: []\n",
            &[
                "1: sources: is not a list with at least one element; write each source after `- `",
                "2: registries: is not a list with at least one element; write each registry after `- `",
            ],
        ),
        (
            "sources:\n  - text\nregistries: [{ name: r, sources: [] }]\n",
            &[
                "2: sources[0]: is not a section; write its keys, such as `name:`, below it",
                "3: registries[0].sources: is empty; name at least one source",
            ],
        ),
        (
            "registries: [{}]\n",
            &[
                "1: registries[0].name: is missing",
                "1: registries[0].sources: is missing",
            ],
        ),
        (
            "registries: [{ name: r, sources: a }]\n",
            &[
                "1: registries[0].sources: is one value where a list is expected; write `- ` before it",
            ],
        ),
        (
            "registries: [{ name: r, sources: [{ a: b }] }]\n",
            &[
                "1: registries[0].sources[0]: is not a text",
                "1: registries[0].sources: is empty; name at least one source",
            ],
        ),
    ] {
        check(file, expected);
    }
}

#[test]
fn names_sections_and_values_stand_where_they_belong() {
    for (file, expected) in [
        (
            format!("{FINE}  - {{ name: r, sources: [a, a, aa] }}\n"),
            &[
                "5: registries[1].sources[1]: `a` is named twice; remove one",
                "5: registries[1].sources[2]: there is no source `aa`; did you mean `a`?",
                "5: registries[1].name: `r` is already the name of registries[0]; names are unique",
            ][..],
        ),
        (
            format!("{FINE}  - {{ name: x, git: {{}}, sources: [a] }}\n"),
            &[
                "5: registries[1].git: belongs to a source; move it to an element of `sources` and name that one in `sources` of the \
             registry",
            ],
        ),
        (
            format!("{FINE}registryName: other\n"),
            &[
                "5: registryName: differs from `r`, the first registry, which is the default one; remove the key or put that \
             registry first",
            ],
        ),
        (
            format!(
                "{FINE}database: x\nlimits: [1]\ncache: {{ size: {{ a: 1 }}, enabled: [true] }}\n"
            ),
            &[
                "5: database: is not a section; write its keys below it, indented",
                "6: limits: is not a section; write its keys below it, indented",
                "7: cache.enabled: is a list where one value is expected",
                "7: cache.size: is a section where a value is expected",
            ],
        ),
        (
            format!("{FINE}log: {{ level: \"in\\0fo\" }}\n"),
            &["5: log.level: contains control characters or bytes that are no UTF-8"],
        ),
    ] {
        check(&file, expected);
    }
}

#[test]
fn the_older_form_has_rules_of_its_own() {
    check(
        &OLDER.replace("my-registry", "toolhive"),
        &[
            "3: registries[0].name: `toolhive` is also the name of the default registry over all elements; rename the element, or \
           give another `registryName`",
        ],
    );
    check(
        &OLDER.replace("my-registry", "My Registry"),
        &[
            "1: registryName: `My Registry` is not a name; use at most 63 of a–z, 0–9 and `-`, with a letter or digit first and last",
        ],
    );
    check(
        &OLDER.replace("    format:", "    sources: [a]\n    format:"),
        &[
            "4: registries[0].sources: belongs to the current form, but other elements or `registryName` are in the older one; \
           declare `sources` at the top and remove `registryName`",
        ],
    );
    let twice = OLDER.replace(
        "auth:\n",
        "  - { name: toolhive, file: { path: x }, syncPolicy: { interval: 1m } }\nauth:\n",
    );
    check(
        &twice,
        &[
            "11: registries[1].name: `toolhive` is already the name of registries[0]; names are unique",
        ],
    );
    check(
        &OLDER.replace("branch", "brnach"),
        &["7: registries[0].git.brnach: is unknown; did you mean `git.branch`?"],
    );
}

#[test]
fn an_auth_section_says_who_may_call() {
    for (auth, expected) in [
        (
            "{}",
            "auth.mode: is missing; set `anonymous` if everybody may read, or remove `auth` to serve loopback only",
        ),
        (
            "{ mode: oauth }",
            "auth.mode: `oauth` is not supported yet in this version; set `anonymous` and let a proxy in front check tokens, or \
             remove `auth` to serve loopback only",
        ),
        (
            "{ mode: open }",
            "auth.mode: `open` is unknown; choose one of anonymous",
        ),
        (
            "{ mode: anonymous, publicPaths: [/x] }",
            "auth.publicPaths: every path is public while OAuth is not supported; remove the key",
        ),
    ] {
        check(
            &format!("{FINE}auth: {auth}\n"),
            &[&format!("5: {expected}")],
        );
    }
}

#[test]
fn the_two_listeners_need_ports_of_their_own() {
    let clash =
        "5: internalAddress: `127.0.0.1:1` is the public listener's too; choose another port";
    check(
        &format!("{FINE}internalAddress: 127.0.0.1:1\naddress: 127.0.0.1:1\n"),
        &[clash],
    );
    check(
        &format!("{FINE}internalAddress: 127.0.0.1:1\naddress: :1\nauth: {{ mode: anonymous }}\n"),
        &[clash],
    );
    check(
        &format!("{FINE}internalAddress: 127.0.0.1:0\naddress: 127.0.0.1:0\n"),
        &[],
    );
    check(
        &format!("{FINE}internalAddress: 127.0.0.1:1\naddress: 127.0.0.2:1\n"),
        &[],
    );
}

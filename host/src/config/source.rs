//! One source as it is written: its keys, what is required of it and what excludes what. Where it stands in the file is the
//! business of `forms.rs`.

use super::{
    draft::SourceDraft,
    element::{Element, present},
    error::{At, Report},
    layer::{self, Layer, Written, join},
    list_keys,
    model::Source,
    refused,
    yaml::{Entry, Value},
};

/// Reads it by the tables and checks the rules between its keys.
pub(super) fn read(element: Element, report: &mut Report) -> Source {
    let Element {
        base,
        line,
        entries,
    } = element;
    let origins: Vec<Origin> = origins(&entries);
    let layer = layer::read([list_keys::SOURCE, refused::SOURCE], &base, entries, report);
    let rules = Rules {
        layer: &layer,
        base: &base,
        line,
    };
    rules.require("name", report);
    rules.require("syncPolicy.interval", report);
    match origins.as_slice() {
        [] => report.add(
            &base,
            &At::Line(line),
            "has no origin; give one of `git`, `api` and `file`",
        ),
        [only] => rules.origin(only, report),
        [first, others @ ..] => {
            for other in others {
                let message = format!(
                    "is a second origin besides `{}`; make it a source of its own",
                    first.key
                );
                report.add(join(&base, &other.key), &At::Line(other.line), message);
            }
        }
    }
    let mut draft = SourceDraft::default();
    layer.fill(list_keys::SOURCE, &base, &mut draft, report);
    draft.into()
}

/// An origin section that an element has.
struct Origin {
    key: String,
    line: u64,
    /// It has `data`, which is refused, so that nothing else is missing in it.
    inline: bool,
}

fn origins(entries: &[Entry]) -> Vec<Origin> {
    let kinds = ["git", "api", "file", "managed", "kubernetes"];
    let given = entries
        .iter()
        .filter(|entry| kinds.contains(&entry.key.as_str()) && entry.node.value != Value::Null);
    given
        .map(|entry| Origin {
            key: entry.key.clone(),
            line: entry.line,
            inline: matches!(&entry.node.value, Value::Map(inner) if present(inner, "data")),
        })
        .collect()
}

/// Keys that mean nothing for a file of this machine.
const WEB_ONLY: [&str; 7] = [
    "file.timeout",
    "file.auth.tokenFile",
    "file.auth.username",
    "file.auth.passwordFile",
    "file.headers",
    "file.headerFiles",
    "file.caPath",
];

/// The rules between the keys of one element.
struct Rules<'a> {
    layer: &'a Layer,
    base: &'a str,
    line: u64,
}

impl Rules<'_> {
    fn require(&self, path: &str, report: &mut Report) {
        self.layer.require(path, self.base, self.line, report);
    }

    fn origin(&self, origin: &Origin, report: &mut Report) {
        match origin.key.as_str() {
            "git" => self.git(report),
            "api" => {
                self.require("api.endpoint", report);
                self.access("api", report);
            }
            "file" if !origin.inline => self.file(origin.line, report),
            _ => {}
        }
    }

    fn git(&self, report: &mut Report) {
        self.require("git.repository", report);
        self.exclusive(&["git.branch", "git.tag", "git.commit"], report);
        self.together(&["git.auth.username", "git.auth.passwordFile"], report);
    }

    /// A token or a user with a password, and no header twice.
    fn access(&self, section: &str, report: &mut Report) {
        let key = |name: &str| format!("{section}.{name}");
        let [token, user, password] =
            ["auth.tokenFile", "auth.username", "auth.passwordFile"].map(key);
        self.exclusive(&[&token, &user], report);
        self.exclusive(&[&token, &password], report);
        if self.layer.get(&token).is_none() {
            self.together(&[&user, &password], report);
        }
        let (headers, files) = (key("headers"), key("headerFiles"));
        let authenticated = [&token, &user]
            .map(|path| self.layer.get(path))
            .iter()
            .any(Option::is_some);
        let named: Vec<&str> = self.names(&headers).map(|(name, _)| name).collect();
        for (name, at) in self.names(&files) {
            let twice = named.iter().any(|other| other.eq_ignore_ascii_case(name));
            if twice || authenticated && name.eq_ignore_ascii_case("authorization") {
                let message = format!("is given twice; `{headers}` or `{section}.auth` has it too");
                report.add(join(self.base, &join(&files, name)), at, message);
            }
        }
    }

    /// The names below a section that has no fixed ones.
    fn names<'s>(&'s self, path: &str) -> impl Iterator<Item = (&'s str, &'s At)> + use<'s> {
        let entries = match self.layer.get(path).map(|given| &given.value) {
            Some(Written::Map(entries)) => entries.as_slice(),
            _ => &[],
        };
        entries.iter().map(|(name, at, _)| (name.as_str(), at))
    }

    /// All of the paths, when one of them is given.
    fn together(&self, paths: &[&str], report: &mut Report) {
        if paths.iter().any(|path| self.layer.get(path).is_some()) {
            paths.iter().for_each(|path| self.require(path, report));
        }
    }

    fn file(&self, line: u64, report: &mut Report) {
        self.exclusive(&["file.path", "file.url"], report);
        let given = |path: &str| self.layer.get(path);
        if given("file.path").is_none() && given("file.url").is_none() {
            report.add(
                join(self.base, "file"),
                &At::Line(line),
                "has neither `path` nor `url`; give one of them",
            );
        }
        if given("file.path").is_some() && given("file.url").is_none() {
            for (path, place) in WEB_ONLY
                .iter()
                .filter_map(|path| Some((path, given(path)?)))
            {
                let message = "only applies to `file.url`; remove it";
                report.add(join(self.base, path), &place.at, message);
            }
        }
        self.access("file", report);
    }

    /// At most one of the paths is given.
    fn exclusive(&self, paths: &[&str], report: &mut Report) {
        let mut given = paths
            .iter()
            .filter_map(|path| self.layer.get(path).map(|given| (*path, given)));
        let Some((first, _)) = given.next() else {
            return;
        };
        for (other, place) in given {
            let message = format!(
                "contradicts `{}`; keep one of the two",
                join(self.base, first)
            );
            report.add(join(self.base, other), &place.at, message);
        }
    }
}

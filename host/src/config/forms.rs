//! The two forms of a file. The current one has `sources` and, over them, `registries`. In the older one each element of
//! `registries` is a source and a registry of its own name, and `registryName` is the default registry over all of them in
//! order. Both become the same sources and registries.

use super::{
    draft::RegistryDraft,
    element::{Element, elements, present, take},
    error::{At, Report},
    layer::{self, Given, Written, join},
    list_keys,
    model::{Registry, Source},
    refused, source, suggest,
    yaml::Entry,
};

/// Keys of a source that no element of the current form's `registries` has.
const SOURCE_SECTIONS: [&str; 8] = [
    "git",
    "api",
    "file",
    "managed",
    "kubernetes",
    "format",
    "syncPolicy",
    "filter",
];
/// The default registry of the older form without `registryName`.
const DEFAULT_NAME: &str = "default";

/// The two lists of a file, as they stand there.
pub(super) struct Lists {
    pub sources: Option<Entry>,
    pub registries: Option<Entry>,
}

/// What the lists mean.
#[derive(Default)]
pub(super) struct Catalog {
    pub sources: Vec<Source>,
    /// The first is the default one.
    pub registries: Vec<Registry>,
}

impl Lists {
    /// Reads them in whichever form they are. `name` is `registryName`, if given.
    pub(super) fn read(self, name: Option<&Given>, report: &mut Report) -> Catalog {
        let has_sources = self.sources.is_some();
        let sources = elements(self.sources, report);
        let missing = self.registries.is_none();
        let registries = elements(self.registries, report);
        if registries.is_empty() && missing {
            report.add(
                "registries",
                &At::Line(0),
                "is missing; give at least one registry",
            );
        }
        let flat = |element: &Element| {
            SOURCE_SECTIONS
                .iter()
                .any(|key| present(&element.entries, key))
        };
        if !has_sources && (name.is_some() || registries.iter().any(flat)) {
            older(registries, name, report)
        } else {
            current(sources, registries, name, report)
        }
    }
}

fn current(
    sources: Vec<Element>,
    registries: Vec<Element>,
    name: Option<&Given>,
    report: &mut Report,
) -> Catalog {
    let mut names = Vec::new();
    let mut catalog = Catalog::default();
    for element in sources {
        let (base, line) = (element.base.clone(), element.line);
        let source = source::read(element, report);
        unique(&mut names, &source.name, &base, line, report);
        catalog.sources.push(source);
    }
    let mut names = Vec::new();
    for element in registries {
        let (base, line) = (element.base.clone(), element.line);
        let registry = registry(element, &catalog.sources, report);
        unique(&mut names, &registry.name, &base, line, report);
        catalog.registries.push(registry);
    }
    if let (Some(given), Some(first)) = (name, catalog.registries.first())
        && !matches!(&given.value, Written::Text(name) if *name == first.name)
    {
        let message = format!(
            "differs from `{}`, the first registry, which is the default one; remove the key or put that registry first",
            first.name
        );
        report.add("registryName", &given.at, message);
    }
    catalog
}

fn older(elements: Vec<Element>, name: Option<&Given>, report: &mut Report) -> Catalog {
    let default = match name.map(|given| &given.value) {
        Some(Written::Text(name)) => name.clone(),
        _ => DEFAULT_NAME.to_owned(),
    };
    let mut names = Vec::new();
    let mut catalog = Catalog::default();
    for mut element in elements {
        let (base, line) = (element.base.clone(), element.line);
        if let Some(sources) = take(&mut element.entries, "sources") {
            let message = "belongs to the current form, but other elements or `registryName` are in the older one; declare \
                           `sources` at the top and remove `registryName`";
            report.add(join(&base, "sources"), &At::Line(sources.line), message);
        }
        let valid_only = take(&mut element.entries, "validOnly")
            .into_iter()
            .collect();
        let own = layer::read(
            [list_keys::REGISTRY, refused::REGISTRY],
            &base,
            valid_only,
            report,
        );
        let mut view = RegistryDraft::default();
        own.fill(list_keys::REGISTRY, &base, &mut view, report);
        let source = source::read(element, report);
        unique(&mut names, &source.name, &base, line, report);
        if source.name == default {
            let message = format!(
                "`{default}` is also the name of the default registry over all elements; rename the element, or give another \
                 `registryName`"
            );
            report.add(join(&base, "name"), &At::Line(line), message);
        }
        (view.name, view.sources) = (source.name.clone(), vec![source.name.clone()]);
        catalog.registries.push(view.into());
        catalog.sources.push(source);
    }
    let all = Registry {
        name: default,
        sources: catalog
            .sources
            .iter()
            .map(|source| source.name.clone())
            .collect(),
        valid_only: false,
    };
    catalog.registries.insert(0, all);
    catalog
}

fn registry(element: Element, sources: &[Source], report: &mut Report) -> Registry {
    let Element {
        base,
        line,
        mut entries,
    } = element;
    let base = base.as_str();
    for key in SOURCE_SECTIONS {
        if let Some(entry) = take(&mut entries, key) {
            let message = "belongs to a source; move it to an element of `sources` and name that one in `sources` of the registry";
            report.add(join(base, key), &At::Line(entry.line), message);
        }
    }
    let layer = layer::read(
        [list_keys::REGISTRY, refused::REGISTRY],
        base,
        entries,
        report,
    );
    layer.require("name", base, line, report);
    layer.require("sources", base, line, report);
    if let Some(Written::List(items)) = layer.get("sources").map(|given| &given.value) {
        check_names(items, sources, base, line, report);
    }
    let mut draft = RegistryDraft::default();
    layer.fill(list_keys::REGISTRY, base, &mut draft, report);
    draft.into()
}

/// The sources of a registry exist, each once, and there is one.
fn check_names(
    items: &[(At, String)],
    sources: &[Source],
    base: &str,
    line: u64,
    report: &mut Report,
) {
    if items.is_empty() {
        report.add(
            join(base, "sources"),
            &At::Line(line),
            "is empty; name at least one source",
        );
    }
    for (index, (at, name)) in items.iter().enumerate() {
        let path = format!("{base}.sources[{index}]");
        if items.iter().take(index).any(|(_, earlier)| earlier == name) {
            report.add(&path, at, format!("`{name}` is named twice; remove one"));
        }
        let known = || sources.iter().map(|source| source.name.as_str());
        if !known().any(|known| known == name) {
            let remedy = match suggest::nearest(name, known()) {
                Some(found) => format!("did you mean `{found}`?"),
                None => "add it to `sources`, or remove it here".to_owned(),
            };
            report.add(&path, at, format!("there is no source `{name}`; {remedy}"));
        }
    }
}

fn unique(
    names: &mut Vec<(String, String)>,
    name: &str,
    base: &str,
    line: u64,
    report: &mut Report,
) {
    if name.is_empty() {
        return;
    }
    if let Some((_, earlier)) = names.iter().find(|(known, _)| known == name) {
        let message = format!("`{name}` is already the name of {earlier}; names are unique");
        report.add(join(base, "name"), &At::Line(line), message);
    }
    names.push((name.to_owned(), base.to_owned()));
}

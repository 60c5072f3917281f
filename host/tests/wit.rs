//! Our own WIT text of Spin's interfaces, held against what the built component imports: names, types and numbers are
//! the contract, the words are ours.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use wit_component::{DecodedWasm, OutputToString, WitPrinter};
use wit_parser::{PackageId, Resolve};

/// Every line of an interface, without documentation. A component imports only the functions it calls, so that the lines
/// of what it imports are some of those that we declare.
fn lines(text: &str) -> BTreeSet<String> {
    text.lines()
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty() && !line.starts_with("@since"))
        .collect()
}

fn component() -> Option<Vec<u8>> {
    let built = "../target/component/wasm32-wasip2/release/cairn_component.wasm";
    let path = env::var_os("CAIRN_COMPONENT_WASM").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join(built),
        PathBuf::from,
    );
    let bytes = fs::read(&path).ok();
    if bytes.is_none() {
        eprintln!("not checked: there is no component at {}", path.display());
    }
    bytes
}

/// A package without the words around it.
fn print(resolve: &Resolve, package: PackageId) -> BTreeSet<String> {
    let mut printer = WitPrinter::<OutputToString>::default();
    printer.emit_docs(false);
    printer
        .print_package(resolve, package, true)
        .expect("printable");
    lines(&String::from(printer.output))
}

#[test]
fn the_component_imports_what_we_declare() {
    let Some(bytes) = component() else { return };
    let DecodedWasm::Component(resolve, _) = wit_component::decode(&bytes).expect("a component")
    else {
        panic!("not a component");
    };
    let mut compared = 0;
    for (id, package) in &resolve.packages {
        if package.name.namespace != "spin" {
            continue;
        }
        let folder = format!("wit/deps/spin-{}", package.name.name);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut own = Resolve::default();
        let (declared, _) = own.push_dir(&folder).expect("our text");
        let ours = print(&own, declared);
        let theirs = print(&resolve, id);
        let missing: Vec<_> = theirs.difference(&ours).collect();
        assert!(missing.is_empty(), "{}: {missing:#?}", package.name);
        compared += 1;
    }
    assert!(compared > 0, "the component imports something of Spin");
}

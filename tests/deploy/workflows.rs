//! The workflows for GitHub: understood by their linter, and each step uses what an earlier one published.

use serde_json::{Value, json};

use crate::{
    manifest::{Manifests, list, text},
    tool::{self, tool},
};

const NAMES: [&str; 3] = ["helm-test", "image", "release"];

fn jobs(name: &str) -> Value {
    let path = tool::root().join(format!(".github/workflows/{name}.yml"));
    Manifests::of_file(&path).0[0]["jobs"].clone()
}

/// Commands of a job's steps.
fn scripts(job: &Value) -> String {
    list(&job["steps"]).map(|step| text(&step["run"])).collect()
}

#[test]
fn the_linter_finds_nothing_in_the_workflows() {
    for name in NAMES {
        let Some(mut actionlint) = tool("actionlint", "the workflows of GitHub Actions") else {
            return;
        };
        let file = format!(".github/workflows/{name}.yml");
        tool::output(actionlint.args(["-shellcheck=", "-pyflakes=", &file]));
    }
}

#[test]
fn the_image_that_is_deployed_is_the_one_that_was_built() {
    let jobs = jobs("helm-test");
    assert_eq!(jobs["image"]["uses"], "./.github/workflows/image.yml");
    assert_eq!(jobs["image"]["needs"], "test");
    let deploy = &jobs["deploy"];
    assert_eq!(deploy["needs"], "image");
    let step = list(&deploy["steps"]).last().expect("a step");
    for (variable, output, flag) in [
        (
            "REPOSITORY",
            "repository",
            "image.repository=\"$REPOSITORY\"",
        ),
        ("DIGEST", "digest", "image.digest=\"$DIGEST\""),
    ] {
        let expected = format!("${{{{ needs.image.outputs.{output} }}}}");
        assert_eq!(step["env"][variable], expected);
        assert!(text(&step["run"]).contains(flag), "{step}");
    }
}

#[test]
fn the_image_is_published_for_both_platforms_with_its_debug_variant() {
    let jobs = jobs("image");
    let platforms: Vec<&str> = list(&jobs["build"]["strategy"]["matrix"]["include"])
        .map(|machine| text(&machine["platform"]))
        .collect();
    assert_eq!(platforms, ["amd64", "arm64"]);
    let build = scripts(&jobs["build"]);
    for part in [
        "for target in cairn debug",
        "--push",
        "CAIRN_COMMIT=\"$GITHUB_SHA\"",
    ] {
        assert!(build.contains(part), "{part}: {build}");
    }
    let publish = scripts(&jobs["publish"]);
    for part in ["\"$TAG\" \"$TAG-debug\"", "imagetools create", "digest="] {
        assert!(publish.contains(part), "{part}: {publish}");
    }
}

#[test]
fn a_tag_publishes_image_and_binaries() {
    let path = tool::root().join(".github/workflows/release.yml");
    let workflow = Manifests::of_file(&path).0[0].clone();
    assert!(text(&workflow["on"]["push"]["tags"][0]).starts_with('v'));
    let jobs = &workflow["jobs"];
    assert_eq!(jobs["image"]["uses"], "./.github/workflows/image.yml");
    assert_eq!(jobs["binaries"]["needs"], json!(["version", "image"]));
    assert_eq!(jobs["binaries"]["permissions"]["contents"], "write");
    let scripts = scripts(&jobs["binaries"]);
    for part in [
        "for platform in amd64 arm64",
        "/usr/local/bin/cairn",
        "sha256sum",
        "gh release create",
    ] {
        assert!(scripts.contains(part), "{part}: {scripts}");
    }
}

//! The Dockerfile, read as far as it decides what a container is given and how it runs.

use std::{fs, sync::OnceLock};

use crate::tool;

/// The final stage of the Dockerfile, as far as it decides how the container runs.
#[derive(Debug, Default)]
pub(crate) struct Image {
    pub(crate) env: Vec<(String, String)>,
    pub(crate) entrypoint: Vec<String>,
    pub(crate) user: String,
    pub(crate) healthcheck: Vec<String>,
    pub(crate) copies: Vec<String>,
    pub(crate) from: String,
}

/// Logical lines: comments gone, continued lines joined.
pub(crate) fn instructions(dockerfile: &str) -> Vec<String> {
    let lines = dockerfile.lines().filter(|line| !line.starts_with('#'));
    let joined = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    joined
        .lines()
        .map(words)
        .filter(|line| !line.is_empty())
        .collect()
}

impl Image {
    /// Reads a stage and those it is made from.
    pub(crate) fn stage(dockerfile: &str, name: &str) -> Self {
        let (mut image, mut is_inside) = (Self::default(), false);
        for line in instructions(dockerfile) {
            let (instruction, rest) = line.split_once(' ').expect("an instruction");
            if instruction == "FROM" {
                let (from, stage) = rest.split_once(" AS ").expect("a named stage");
                is_inside = stage == name;
                if is_inside && dockerfile.contains(&format!(" AS {from}\n")) {
                    image = Self::stage(dockerfile, from);
                } else if is_inside {
                    image.from = from.to_owned();
                }
            } else if is_inside {
                image.take(instruction, rest);
            }
        }
        image
    }

    fn take(&mut self, instruction: &str, rest: &str) {
        let array = |text: &str| serde_json::from_str(text).expect("the exec form");
        match instruction {
            "ENV" => self.env.extend(rest.split(' ').map(|pair| {
                let (name, value) = pair.split_once('=').expect("NAME=VALUE");
                (name.to_owned(), value.to_owned())
            })),
            "ENTRYPOINT" => self.entrypoint = array(rest),
            "USER" => rest.clone_into(&mut self.user),
            "COPY" => self.copies.push(rest.to_owned()),
            "HEALTHCHECK" => {
                self.healthcheck = array(rest.split_once("CMD ").expect("a command").1);
            }
            _ => {}
        }
    }

    /// The shipped one.
    pub(crate) fn shipped() -> &'static Self {
        static IMAGE: OnceLock<Image> = OnceLock::new();
        IMAGE.get_or_init(|| Self::stage(&dockerfile(), "cairn"))
    }
}

/// The text.
pub(crate) fn dockerfile() -> String {
    fs::read_to_string(tool::root().join("Dockerfile")).expect("the Dockerfile")
}

//! Turns an entry of the ToolHive legacy form into a server.json object, field by field, as its clients know the result.
//! Nothing an entry says is lost: what has no place in server.json goes with its JSON value unchanged under the
//! publisher's block.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::element::Outcome;

const SCHEMA: &str = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json";
/// Legacy entries carry no version of their own; the image tag stays in the package's identifier.
const VERSION: &str = "1.0.0";
/// Prefix of names without one.
const PUBLISHER: &str = "io.github.stacklok";

/// Which map an entry stood in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `servers`: runs from an image.
    Image,
    /// `remote_servers`: answers at a URL.
    Remote,
}

/// Converts the entry under `key`.
pub(super) fn convert(key: &str, kind: Kind, entry: &str) -> Result<Outcome, String> {
    let mut fields = Fields::read(entry)?;
    let name = name(key, &mut fields)?;
    Ok(match server(name.clone(), kind, fields) {
        Ok((document, official)) => Outcome::Record {
            document,
            official: Some(official),
        },
        Err(reason) => Outcome::rejected(Some(name), reason),
    })
}

fn server(
    name: String,
    kind: Kind,
    mut fields: Fields<'_>,
) -> Result<(Vec<u8>, Box<RawValue>), String> {
    let place = match kind {
        Kind::Image => "image",
        Kind::Remote => "url",
    };
    let place = fields
        .take_text(place)
        .ok_or_else(|| format!("the entry has no `{place}`"))?;
    let official = Official {
        status: fields.status(),
    };
    let server = Server {
        schema: SCHEMA,
        name,
        title: fields.take("title"),
        description: fields.take("description"),
        repository: fields.take_text("repository_url").map(|url| Repository {
            url,
            source: "github",
        }),
        version: VERSION,
        packages: (kind == Kind::Image).then(|| [package(place.clone(), &mut fields)]),
        remotes: (kind == Kind::Remote).then(|| [remote(place.clone(), &mut fields)]),
        meta: Meta {
            publisher: Publisher {
                entry: BTreeMap::from([(place, fields)]),
            },
        },
    };
    let document = serde_json::to_vec(&server).map_err(|error| error.to_string())?;
    Ok((
        document,
        to_raw_value(&official).map_err(|error| error.to_string())?,
    ))
}

/// The entry's own name when it is a full one, else the key under the publisher's prefix.
fn name(key: &str, fields: &mut Fields<'_>) -> Result<String, String> {
    if let Some(own) = fields
        .text("name")
        .filter(|own| own.contains('/') || own == key)
    {
        fields.take("name");
        if own.contains('/') {
            return Ok(own);
        }
    }
    match key {
        "" => Err("the entry has an empty name".into()),
        key => Ok(full_name(key)),
    }
}

/// The name of the entry under a key, unless the entry has a full one of its own.
pub(super) fn full_name(key: &str) -> String {
    if key.contains('/') {
        return key.to_owned();
    }
    format!("{PUBLISHER}/{key}")
}

fn package<'a>(identifier: String, fields: &mut Fields<'a>) -> Package<'a> {
    let kind = fields
        .take_text("transport")
        .unwrap_or_else(|| "stdio".into());
    let url = matches!(kind.as_str(), "sse" | "streamable-http").then(|| {
        match fields.take_port("target_port") {
            Some(port) => format!("http://localhost:{port}"),
            None => "http://localhost".into(),
        }
    });
    Package {
        registry_type: "oci",
        identifier,
        transport: Transport {
            kind: Some(kind),
            url,
            headers: Vec::new(),
        },
        environment_variables: fields.take_inputs("env_vars"),
    }
}

fn remote<'a>(url: String, fields: &mut Fields<'a>) -> Transport<'a> {
    Transport {
        kind: fields.take_text("transport"),
        url: Some(url),
        headers: fields.take_inputs("headers"),
    }
}

#[derive(Serialize)]
struct Server<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<Repository>,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    packages: Option<[Package<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remotes: Option<[Transport<'a>; 1]>,
    #[serde(rename = "_meta")]
    meta: Meta<'a>,
}

#[derive(Serialize)]
struct Repository {
    url: String,
    source: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Package<'a> {
    registry_type: &'static str,
    identifier: String,
    transport: Transport<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    environment_variables: Vec<Input<'a>>,
}

#[derive(Serialize)]
struct Transport<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    headers: Vec<Input<'a>>,
}

#[derive(Serialize)]
struct Meta<'a> {
    #[serde(rename = "io.modelcontextprotocol.registry/publisher-provided")]
    publisher: Publisher<'a>,
}

#[derive(Serialize)]
struct Publisher<'a> {
    /// By image or URL: all that has no place elsewhere.
    #[serde(rename = "io.github.stacklok")]
    entry: BTreeMap<String, Fields<'a>>,
}

#[derive(Serialize)]
struct Official {
    status: &'static str,
}

/// Members of a legacy object that have not found their place yet. A field is taken only when its value fits the place;
/// otherwise it stays, and so is kept.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Fields<'a>(#[serde(borrow)] BTreeMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    fn read(entry: &'a str) -> Result<Self, String> {
        serde_json::from_str(entry)
            .map_err(|error| format!("the entry is not an object that can be read: {error}"))
    }

    /// A value of any type; null is none.
    fn take(&mut self, key: &str) -> Option<&'a RawValue> {
        self.0.remove(key).filter(|value| value.get() != "null")
    }

    fn text(&self, key: &str) -> Option<String> {
        serde_json::from_str(self.0.get(key)?.get()).ok()
    }

    /// A text; an empty one is none.
    fn take_text(&mut self, key: &str) -> Option<String> {
        let value: Option<String> = serde_json::from_str(self.0.get(key)?.get()).ok()?;
        self.0.remove(key);
        value.filter(|text| !text.is_empty())
    }

    fn take_port(&mut self, key: &str) -> Option<u16> {
        let value: Option<u16> = serde_json::from_str(self.0.get(key)?.get()).ok()?;
        self.0.remove(key);
        value.filter(|port| *port != 0)
    }

    fn take_inputs(&mut self, key: &str) -> Vec<Input<'a>> {
        let Some(value) = self.0.get(key) else {
            return Vec::new();
        };
        let Ok(inputs) = serde_json::from_str::<Option<Vec<Fields<'a>>>>(value.get()) else {
            return Vec::new();
        };
        self.0.remove(key);
        inputs.into_iter().flatten().map(Input::from).collect()
    }

    /// The status that the registry shows; the word itself stays, `active` where there is none.
    fn status(&mut self) -> &'static str {
        if self
            .0
            .get("status")
            .is_none_or(|status| status.get() == "null")
            && let Ok(active) = serde_json::from_str(r#""active""#)
        {
            self.0.insert("status".into(), active);
        }
        match self.text("status") {
            Some(status) if status.eq_ignore_ascii_case("deprecated") => "deprecated",
            _ => "active",
        }
    }
}

/// An environment variable or a header.
struct Input<'a> {
    known: Vec<(&'static str, &'a RawValue)>,
    other: Fields<'a>,
}

impl<'a> From<Fields<'a>> for Input<'a> {
    fn from(mut fields: Fields<'a>) -> Self {
        const NAMES: [(&str, &str); 6] = [
            ("name", "name"),
            ("description", "description"),
            ("required", "isRequired"),
            ("secret", "isSecret"),
            ("default", "default"),
            ("choices", "choices"),
        ];
        let known: Vec<_> = NAMES
            .into_iter()
            .filter_map(|(from, to)| Some((to, fields.take(from)?)))
            .collect();
        fields
            .0
            .retain(|key, _| known.iter().all(|(name, _)| name != key));
        Self {
            known,
            other: fields,
        }
    }
}

impl Serialize for Input<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let other = self
            .other
            .0
            .iter()
            .map(|(key, value)| (key.as_str(), *value));
        serializer.collect_map(self.known.iter().copied().chain(other))
    }
}

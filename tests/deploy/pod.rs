//! A small kubelet: takes a rendered pod and runs its containers as processes, with the files, environment, arguments,
//! user and groups that the manifest gives them, inside of the image's root folder. Two things differ from a cluster:
//! pods share one network, so that listeners get a free port of loopback; and nothing limits CPU and memory.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::Command,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cairn_tests::{Answer, Server, installation};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    dockerfile::Image,
    image,
    manifest::{Manifests, list, name_of, text},
};

/// A pod with its files in place.
pub(crate) struct Pod<'a> {
    objects: &'a Manifests,
    spec: &'a Value,
    root: TempDir,
}

impl<'a> Pod<'a> {
    /// `objects` must hold every ConfigMap and Secret that the pod names.
    pub(crate) fn new(objects: &'a Manifests, spec: &'a Value) -> Self {
        let pod = Self {
            objects,
            spec,
            root: image::root(),
        };
        for container in pod.containers() {
            for mount in list(&container["volumeMounts"]) {
                pod.mount(text(&mount["name"]), text(&mount["mountPath"]));
            }
        }
        pod
    }

    fn containers(&self) -> impl Iterator<Item = &'a Value> {
        list(&self.spec["initContainers"]).chain(list(&self.spec["containers"]))
    }

    /// Where a path of the container is.
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.root.path().join(inside.trim_start_matches('/'))
    }

    fn fs_group(&self) -> Option<u32> {
        let group = self.spec["securityContext"]["fsGroup"].as_u64();
        group.map(|group| u32::try_from(group).expect("a group"))
    }

    /// Puts a volume in its place; several containers may mount the same one.
    fn mount(&self, name: &str, at: &str) {
        let volume = list(&self.spec["volumes"]).find(|volume| volume["name"] == name);
        // A StatefulSet's claims are no volumes of its pod.
        let volume = volume.cloned().unwrap_or_default();
        let to = self.path(at);
        fs::create_dir_all(&to).expect("a folder");
        if let Some(map) = volume["configMap"]["name"].as_str() {
            for (key, value) in self.data("ConfigMap", map) {
                self.place(&to.join(key), &value, 0o644);
            }
        } else if let Some(secret) = volume["secret"]["secretName"].as_str() {
            let mode = volume["secret"]["defaultMode"].as_u64().unwrap_or(0o644);
            // A group makes everything readable for it, as the kubelet does.
            let group = if self.fs_group().is_some() { 0o440 } else { 0 };
            for (key, value) in self.data("Secret", secret) {
                self.place(
                    &to.join(key),
                    &value,
                    u32::try_from(mode).expect("a mode") | group,
                );
            }
        } else {
            self.give(
                &to,
                if volume["emptyDir"].is_object() {
                    0o777
                } else {
                    0o2775
                },
            );
        }
    }

    fn place(&self, file: &Path, value: &[u8], mode: u32) {
        fs::write(file, value).expect("a file");
        self.give(file, mode);
    }

    fn give(&self, path: &Path, mode: u32) {
        chown(path, Some(0), Some(self.fs_group().unwrap_or(0))).expect("root");
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    }

    /// What a ConfigMap or a Secret holds.
    fn data(&self, kind: &str, name: &str) -> Vec<(String, Vec<u8>)> {
        let object = self.objects.get(kind, name);
        let is_coded = kind == "Secret";
        let plain = object["stringData"].as_object().into_iter().flatten();
        let plain = plain.map(|(key, value)| (key.clone(), text(value).as_bytes().to_vec()));
        let data = object["data"].as_object().into_iter().flatten();
        let data = data.map(|(key, value)| {
            let value = text(value);
            let bytes = if is_coded {
                STANDARD.decode(value).expect("base64")
            } else {
                value.into()
            };
            (key.clone(), bytes)
        });
        data.chain(plain).collect()
    }

    /// A container as a process that has not been started.
    fn command(&self, container: &Value) -> Command {
        let words = |value: &Value| list(value).map(|word| text(word).to_owned()).collect();
        let mut program: Vec<String> = words(&container["command"]);
        if program.is_empty() {
            program.clone_from(&Image::shipped().entrypoint);
        }
        program.append(&mut words(&container["args"]));
        let is_server = program.iter().any(|word| word == "serve");
        if is_server {
            program.extend(
                ["--address=127.0.0.1:0", "--internal-address=127.0.0.1:0"].map(str::to_owned),
            );
        }
        let (user, groups) = self.user(container);
        let mut command = image::inside(self.root.path(), &user, &groups, &program);
        command.envs(self.service_links());
        for source in list(&container["envFrom"]) {
            for (kind, reference) in [("Secret", "secretRef"), ("ConfigMap", "configMapRef")] {
                if let Some(name) = source[reference]["name"].as_str() {
                    let data = self.data(kind, name);
                    command.envs(data.into_iter().map(|(key, value)| (key, string(value))));
                }
            }
        }
        for variable in list(&container["env"]) {
            command.env(text(&variable["name"]), self.value(variable));
        }
        command
    }

    /// The variables by which a kubelet tells of the namespace's Services, unless the pod does not want them.
    fn service_links(&self) -> Vec<(String, String)> {
        let mut variables = Vec::new();
        if self.spec["enableServiceLinks"] == false {
            return variables;
        }
        for service in self.objects.of("Service") {
            let name = name_of(service).to_uppercase().replace('-', "_");
            variables.push((format!("{name}_SERVICE_HOST"), "10.0.0.1".to_owned()));
            for port in list(&service["spec"]["ports"]) {
                let (number, called) = (&port["port"], text(&port["name"]).to_uppercase());
                let url = format!("tcp://10.0.0.1:{number}");
                variables.push((format!("{name}_PORT"), url.clone()));
                variables.push((format!("{name}_PORT_{number}_TCP"), url));
                variables.push((format!("{name}_SERVICE_PORT_{called}"), number.to_string()));
            }
        }
        variables
    }

    fn value(&self, variable: &Value) -> String {
        let from = &variable["valueFrom"]["secretKeyRef"];
        let Some(secret) = from["name"].as_str() else {
            return text(&variable["value"]).to_owned();
        };
        let found = self
            .data("Secret", secret)
            .into_iter()
            .find(|(key, _)| from["key"] == key.as_str());
        string(
            found
                .unwrap_or_else(|| panic!("no {} in {secret}", from["key"]))
                .1,
        )
    }

    /// `UID:GID` and the further groups: the manifest's, else the image's.
    fn user(&self, container: &Value) -> (String, String) {
        let of = |key: &str| {
            let own = container["securityContext"][key].as_u64();
            own.or(self.spec["securityContext"][key].as_u64())
        };
        let groups = self
            .fs_group()
            .map(|group| group.to_string())
            .unwrap_or_default();
        let user = of("runAsUser").map(|user| {
            let group = of("runAsGroup").unwrap_or(0);
            format!("{user}:{group}")
        });
        (
            user.unwrap_or_else(|| Image::shipped().user.clone()),
            groups,
        )
    }

    /// Runs what has to end before the server starts, in its order.
    fn prepare(&self) {
        for container in list(&self.spec["initContainers"]) {
            let _ = installation::run(self.command(container)).expect(0);
        }
    }

    /// Runs the only container to its end, as a Job's.
    pub(crate) fn complete(&self) -> installation::Ended {
        self.prepare();
        installation::run(self.command(&self.spec["containers"][0])).expect(0)
    }

    /// Prepares it and starts its server; returns when its readiness probe would let traffic in.
    pub(crate) fn start(&self) -> Server {
        self.prepare();
        let server = Server::start(self.command(&self.spec["containers"][0]));
        server.wait_ready();
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            let get = &self.spec["containers"][0][probe]["httpGet"];
            if get.is_object() {
                let answer = self.ask(&server, &get["port"], text(&get["path"]));
                assert_eq!(answer.status, 200, "{probe} {get}");
            }
        }
        server
    }

    /// Asks the listener that a container's port stands for, named or numbered.
    pub(crate) fn ask(&self, server: &Server, port: &Value, path: &str) -> Answer {
        let container = &self.spec["containers"][0];
        let number = list(&container["ports"])
            .find(|open| open["name"] == *port || open["containerPort"] == *port)
            .unwrap_or_else(|| panic!("no port {port} in {}", name_of(container)))["containerPort"]
            .as_u64();
        match number {
            Some(8080) => server.public.get(path),
            Some(8081) => server.internal.get(path),
            other => panic!("nobody listens on {other:?}"),
        }
    }

    /// Runs the preStop hook to its end, as before a SIGTERM.
    pub(crate) fn before_stop(&self) {
        let hook = &self.spec["containers"][0]["lifecycle"]["preStop"]["exec"];
        if hook.is_object() {
            let mut container = self.spec["containers"][0].clone();
            container["command"] = hook["command"].clone();
            container["args"] = Value::Null;
            let _ = installation::run(self.command(&container)).expect(0);
        }
    }
}

fn string(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("UTF-8")
}

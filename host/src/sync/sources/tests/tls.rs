//! Web servers behind TLS: whose certificate is taken, and what is said of one that is not.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::{server::raw, *};
use crate::config::model::GitReference;

fn openssl(folder: &Path, arguments: &str) {
    let mut openssl = Command::new("openssl");
    openssl.args(arguments.split(' ')).current_dir(folder);
    let output = openssl.output().expect("openssl");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments}: {said}");
}

/// An authority of its own, and a server for `localhost` that answers everything with the same bytes.
struct Secure {
    address: SocketAddr,
    authority: PathBuf,
}

impl Secure {
    /// `None`, said aloud, without openssl.
    fn start(bench: &Bench, answer: &'static str) -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            println!("not checked: sources over TLS: there is no openssl");
            return None;
        }
        let folder = bench.directory.path();
        let new = "req -newkey rsa:2048 -nodes -days 2";
        openssl(
            folder,
            &format!("{new} -x509 -subj /CN=authority -keyout ca.key -out ca.pem"),
        );
        openssl(
            folder,
            &format!("{new} -subj /CN=localhost -keyout own.key -out own.csr"),
        );
        std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").expect("names");
        let sign = "x509 -req -days 2 -in own.csr -CA ca.pem -CAkey ca.key -CAcreateserial";
        openssl(folder, &format!("{sign} -extfile names -out own.pem"));
        let certificate = CertificateDer::from_pem_file(folder.join("own.pem")).expect("a file");
        let key = PrivateKeyDer::from_pem_file(folder.join("own.key")).expect("a file");
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a pair");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let config = Arc::new(config);
        thread::spawn(move || serve(&listener, &config, answer));
        Some(Self {
            address,
            authority: folder.join("ca.pem"),
        })
    }

    /// A file at the server under that name.
    fn file(&self, host: &str, ca_path: Option<PathBuf>) -> Source {
        source(Origin::File(FileOrigin::Url {
            url: format!("https://{host}:{}/list.json", self.address.port()),
            timeout: Duration::from_secs(5),
            access: Access {
                ca_path,
                ..Access::default()
            },
        }))
    }

    fn git(&self, ca_path: Option<PathBuf>) -> Source {
        source(Origin::Git {
            repository: format!("https://localhost:{}/r.git", self.address.port()),
            reference: GitReference::Default,
            path: "registry.json".into(),
            auth: None,
            ca_path,
        })
    }
}

fn serve(listener: &TcpListener, config: &Arc<ServerConfig>, answer: &str) {
    for stream in listener.incoming().map_while(Result::ok) {
        let connection = ServerConnection::new(config.clone()).expect("a connection");
        let mut stream = StreamOwned::new(connection, stream);
        // A client that does not trust the certificate goes away.
        if stream.read(&mut [0; 4096]).is_ok() {
            let _ = stream.write_all(answer.as_bytes());
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    }
}

const LIST: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 27\r\n\r\n[{\"server\":{\"name\":\"a/0\"}}]\n";
const AWAY: &str = "HTTP/1.1 302 Away\r\nconnection: close\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
const ABSENT: &str = "HTTP/1.1 404 Absent\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

#[tokio::test]
async fn authorities_of_ca_path_are_trusted() {
    let bench = Bench::new();
    let Some(server) = Secure::start(&bench, LIST) else {
        return;
    };
    let trusted = Some(server.authority.clone());
    let (lines, _) = bench
        .complete(&server.file("localhost", trusted.clone()), None)
        .await;
    assert_eq!(lines, [r#"[0] {"name":"a/0"}"#]);

    let error = bench.failure(&server.file("localhost", None)).await;
    check(
        &error,
        Kind::Tls,
        &["authority that is not trusted", "`caPath`"],
    );
    let error = bench.failure(&server.file("127.0.0.1", trusted)).await;
    check(&error, Kind::Tls, &["not for this name", "localhost"]);
}

#[tokio::test]
async fn authorities_of_ca_path_are_trusted_for_git() {
    let bench = Bench::new();
    let Some(server) = Secure::start(&bench, ABSENT) else {
        return;
    };
    let error = bench.failure(&server.git(None)).await;
    check(
        &error,
        Kind::Tls,
        &["authority that is not trusted", "`caPath`"],
    );
    let error = bench
        .failure(&server.git(Some(server.authority.clone())))
        .await;
    check(&error, Kind::NotFound, &["there is no git repository"]);
}

#[tokio::test]
async fn redirects_out_of_tls_are_refused() {
    let bench = Bench::new();
    let Some(server) = Secure::start(&bench, AWAY) else {
        return;
    };
    let source = server.file("localhost", Some(server.authority.clone()));
    let error = bench.failure(&source).await;
    check(&error, Kind::Redirect, &["from https to http"]);
}

#[tokio::test]
async fn servers_without_tls_are_called_that() {
    let bench = Bench::new();
    let plain = raw(vec!["HTTP/1.1 400 Bad\r\n\r\n".into()]);
    let source = source(Origin::File(FileOrigin::Url {
        url: format!("https://{plain}/"),
        timeout: Duration::from_secs(5),
        access: Access::default(),
    }));
    let error = bench.failure(&source).await;
    check(&error, Kind::Tls, &["does not speak TLS", "`http://`"]);
}

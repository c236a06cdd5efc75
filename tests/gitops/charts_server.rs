//! Where charts are published: a Helm repository, made by Helm itself and served over HTTPS, and a registry, to which it pushes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::server::{LOGIN, Server};
use crate::story::setting;

/// A Helm repository.
pub struct Site {
    /// Its URL.
    pub url: String,
    /// The certificate by which it is known, as PEM.
    pub certificate: String,
    known: Arc<Known>,
    folder: TempDir,
    _server: Server,
}

/// What the server knows.
struct Known {
    folder: PathBuf,
    asks: bool,
    /// Paths that lead elsewhere.
    leads: Mutex<HashMap<String, String>>,
    /// What was asked for, with how it was answered and what was shown.
    asked: Mutex<Vec<Asked>>,
}

/// A request that was answered.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub status: u16,
    pub login: Option<String>,
}

impl Site {
    /// One that asks who is there, or not.
    pub async fn start(asks: bool) -> Site {
        let folder = tempfile::tempdir().expect("a folder");
        let site = folder.path().join("site");
        std::fs::create_dir(&site).expect("a folder");
        let (leads, asked) = (Mutex::default(), Mutex::default());
        let known = Arc::new(Known { folder: site, asks, leads, asked });
        let server = Server::answering(Router::new().fallback(answer).with_state(Arc::clone(&known))).await;
        let url = server.url.replace("colors.git", "charts");
        Site { url, certificate: server.certificate.clone(), known, folder, _server: server }
    }

    /// Publishes a version of a chart with a ConfigMap of its name, which has this value where no values say otherwise.
    pub fn publish(&self, name: &str, version: &str, value: &str) -> PathBuf {
        let archive = package(self.folder.path(), name, version, value);
        let at = self.path(&format!("{name}-{version}.tgz"));
        std::fs::copy(archive, &at).expect("a file");
        helm(self.folder.path(), &["repo", "index", &self.known.folder.display().to_string()]);
        at
    }

    /// Where a file of it is.
    pub fn path(&self, file: &str) -> PathBuf {
        self.known.folder.join(file)
    }

    /// Has a chart in its index that is in a registry.
    pub fn refer(&self, registry: &Registry, name: &str, version: &str) {
        let file = format!("{name}-{version}.tgz");
        std::fs::copy(registry.folder.path().join(&file), self.path(&file)).expect("a file");
        helm(self.folder.path(), &["repo", "index", &self.known.folder.display().to_string()]);
        self.rename(&file, &format!("oci://{}/team/charts/{name}:{version}", registry.host));
        std::fs::remove_file(self.path(&file)).expect("a file");
    }

    /// Leads whoever wants a file to another one that has it.
    pub fn lead(&self, file: &str, to: &Site) {
        std::fs::copy(self.path(file), to.path(file)).expect("a file");
        lock(&self.known.leads).insert(format!("/charts/{file}"), format!("{}/{file}", to.url));
    }

    /// Lets the index say that another one has a file.
    pub fn name(&self, file: &str, to: &Site) {
        std::fs::copy(self.path(file), to.path(file)).expect("a file");
        self.rename(file, &format!("{}/{file}", to.url));
    }

    fn rename(&self, file: &str, url: &str) {
        let index = std::fs::read_to_string(self.path("index.yaml")).expect("a file");
        let named = index.replace(&format!("- {file}"), &format!("- {url}"));
        assert_ne!(named, index);
        std::fs::write(self.path("index.yaml"), named).expect("a file");
    }

    /// What was asked for by now that ends so.
    pub fn asked(&self, end: &str) -> Vec<Asked> {
        lock(&self.known.asked).iter().filter(|asked| asked.path.ends_with(end)).cloned().collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panicked")
}

/// The login as a header has it.
pub fn basic() -> String {
    format!("Basic {}", STANDARD.encode(format!("{}:{}", LOGIN.0, LOGIN.1)))
}

fn header_of(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

async fn answer(State(known): State<Arc<Known>>, request: Request) -> Response<Body> {
    let (path, login) = (request.uri().path().to_owned(), header_of(request.headers(), header::AUTHORIZATION));
    let file = std::fs::read(known.folder.join(path.trim_start_matches("/charts/"))).ok();
    let etag = file.as_ref().map(|content| format!("{:?}", STANDARD.encode(Sha256::digest(content))));
    let is_known = etag.is_some() && header_of(request.headers(), header::IF_NONE_MATCH) == etag;
    let lead = lock(&known.leads).get(&path).cloned();
    let status = match (&file, &lead) {
        _ if known.asks && login.as_deref() != Some(&basic()) => StatusCode::UNAUTHORIZED,
        (_, Some(_)) => StatusCode::FOUND,
        _ if is_known => StatusCode::NOT_MODIFIED,
        (Some(_), None) => StatusCode::OK,
        (None, None) => StatusCode::NOT_FOUND,
    };
    lock(&known.asked).push(Asked { path, status: status.as_u16(), login });
    let mut response = Response::builder().status(status);
    for (name, value) in [(header::LOCATION, lead), (header::ETAG, etag)] {
        response = match value {
            Some(value) => response.header(name, value),
            None => response,
        };
    }
    let body = if status == StatusCode::OK { file.unwrap_or_default() } else { Vec::new() };
    response.body(Body::from(body)).expect("a response")
}

/// Packages a chart; the archive.
pub fn package(folder: &Path, name: &str, version: &str, value: &str) -> PathBuf {
    let at = folder.join(name);
    std::fs::create_dir_all(at.join("templates")).expect("a folder");
    let map = setting(name, "VALUE").replace("\"VALUE\"", "{{ .Values.value | quote }}");
    for (file, content) in [
        ("Chart.yaml", format!("apiVersion: v2\nname: {name}\nversion: {version:?}\n")),
        ("values.yaml", format!("value: {value:?}\n")),
        ("eu.yaml", "value: of the chart's own file\n".to_owned()),
        ("templates/map.yaml", map),
    ] {
        std::fs::write(at.join(file), content).expect("a file");
    }
    helm(folder, &["package", &at.display().to_string(), "--destination", &folder.display().to_string()]);
    folder.join(format!("{name}-{version}.tgz"))
}

/// Runs Helm with a home of its own.
fn helm(home: &Path, arguments: &[&str]) {
    let mut command = Command::new("helm");
    let output = command.args(arguments).env("HOME", home).output();
    let output = output.expect("helm is in the PATH: see tests/cluster/build-tools");
    assert!(output.status.success(), "helm {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A registry, which ends with this.
pub struct Registry {
    /// Its host and port.
    pub host: String,
    folder: TempDir,
    _program: tokio::process::Child,
}

impl Registry {
    /// One that lets in everybody.
    pub async fn start() -> Registry {
        let mut command = tokio::process::Command::new("registry");
        command.args(["-port", "0"]).stderr(Stdio::piped()).kill_on_drop(true);
        let mut program = command.spawn().expect("registry is in the PATH: see tests/cluster/build-tools");
        let mut lines = BufReader::new(program.stderr.take().expect("piped")).lines();
        let line = lines.next_line().await.expect("it can be read").expect("it says where it is");
        let port = line.rsplit(' ').next().expect("a port").to_owned();
        // It says more later, and has to be heard.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let folder = tempfile::tempdir().expect("a folder");
        Registry { host: format!("localhost:{port}"), folder, _program: program }
    }

    /// Publishes a version of a chart.
    pub fn push(&self, name: &str, version: &str, value: &str) {
        let archive = package(self.folder.path(), name, version, value);
        let place = format!("oci://{}/team/charts", self.host);
        helm(self.folder.path(), &["push", &archive.display().to_string(), &place, "--plain-http"]);
    }

    /// A server before it, which lets in whoever shows a token that another one gives out.
    pub async fn behind_tokens(&self) -> (Server, Server) {
        let tokens = Router::new().fallback(|request: Request| async move {
            let is_known = header_of(request.headers(), header::AUTHORIZATION) == Some(basic());
            let is_asked =
                request.uri().query() == Some("service=charts&scope=repository%3Ateam%2Fcharts%2Fweb%3Apull");
            let (good, bad) = ((StatusCode::OK, "{\"token\": \"t0ken\"}"), (StatusCode::UNAUTHORIZED, "{}"));
            if is_known && is_asked { good } else { bad }
        });
        let tokens = Server::answering(tokens).await;
        let realm = tokens.url.replace("colors.git", "token");
        let front = Front { to: format!("http://{}", self.host), realm };
        let front = Server::answering(Router::new().fallback(front_of).with_state(Arc::new(front))).await;
        (front, tokens)
    }
}

struct Front {
    to: String,
    realm: String,
}

async fn front_of(State(front): State<Arc<Front>>, request: Request) -> Response<Body> {
    let shown = header_of(request.headers(), header::AUTHORIZATION);
    if shown.as_deref() != Some("Bearer t0ken") {
        let scope = "repository:team/charts/web:pull";
        let challenge = format!("Bearer realm=\"{}\",service=\"charts\",scope=\"{scope}\"", front.realm);
        let response = Response::builder().status(StatusCode::UNAUTHORIZED).header(header::WWW_AUTHENTICATE, challenge);
        return response.body(Body::empty()).expect("a response");
    }
    let path = request.uri().path_and_query().expect("a path").as_str();
    let mut asked = reqwest::Client::new().get(format!("{}{path}", front.to));
    if let Some(accept) = header_of(request.headers(), header::ACCEPT) {
        asked = asked.header(header::ACCEPT, accept);
    }
    let answer = asked.send().await.expect("the registry answers");
    let response = Response::builder().status(answer.status());
    response.body(Body::from(answer.bytes().await.expect("a body"))).expect("a response")
}

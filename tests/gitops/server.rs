//! A Git server over HTTPS, which asks for a user and a token: Git's own, behind a listener.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Who may read.
pub const LOGIN: (&str, &str) = ("robot", "token-4711");

/// The server.
pub struct Server {
    /// The URL of its repository.
    pub url: String,
    /// The certificate by which it is known, as PEM.
    pub certificate: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Serves a repository.
    pub async fn start(repository: &Path) -> Server {
        Server::answering(Router::new().fallback(answer).with_state(Arc::new(repository.to_owned()))).await
    }

    /// Leads everybody to another server.
    pub async fn leading_to(other: &Server) -> Server {
        let to = other.url.clone();
        let lead = move |request: Request| {
            let path = request.uri().path_and_query().map_or("", |path| path.as_str()).to_owned();
            let place = format!("{to}{}", path.trim_start_matches("/colors.git"));
            async move {
                let response = Response::builder().status(StatusCode::FOUND).header(header::LOCATION, place);
                response.body(Body::empty()).expect("a response")
            }
        };
        Server::answering(Router::new().fallback(lead)).await
    }

    /// Answers as it is told.
    pub async fn answering(router: Router) -> Server {
        let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).expect("a key");
        let config =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("versions")
                .with_no_client_auth()
                .with_single_cert(vec![own.cert.der().clone()], key)
                .expect("a configuration");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (acceptor, service) = (acceptor.clone(), TowerToHyperService::new(router.clone()));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Server { url: format!("https://localhost:{port}/colors.git"), certificate: own.cert.pem(), task }
    }
}

/// Asks `git http-backend`, once the caller has said who it is.
async fn answer(State(repository): State<Arc<PathBuf>>, request: Request) -> Response<Body> {
    let Some(mut command) = asked(&repository, &request) else {
        return Response::builder()
            .status(StatusCode::UNAUTHORIZED)
            .header(header::WWW_AUTHENTICATE, "Basic realm=\"git\"")
            .body(Body::empty())
            .expect("a response");
    };
    let body = to_bytes(request.into_body(), 1 << 20).await.expect("a body");
    let mut child = command.spawn().expect("git is installed");
    let mut stdin = child.stdin.take().expect("piped");
    tokio::io::AsyncWriteExt::write_all(&mut stdin, &body).await.expect("it listens");
    drop(stdin);
    let output = child.wait_with_output().await.expect("it ends").stdout;
    let end = output.windows(4).position(|four| four == b"\r\n\r\n").expect("headers");
    let mut response = Response::builder();
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        let (name, value) = line.split_once(": ").expect("a header");
        response = match name {
            "Status" => {
                response.status(value.split(' ').next().and_then(|code| code.parse::<u16>().ok()).expect("a code"))
            }
            name => response.header(name, value),
        };
    }
    response.body(Body::from(output[end + 4..].to_vec())).expect("a response")
}

/// The question to Git; none where the caller is not who may ask.
fn asked(repository: &Path, request: &Request) -> Option<tokio::process::Command> {
    let expected = format!("Basic {}", STANDARD.encode(format!("{}:{}", LOGIN.0, LOGIN.1)));
    let text =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    if text("authorization") != expected {
        return None;
    }
    let mut command = tokio::process::Command::new("git");
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", repository.join(".git"))
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", request.uri().path().trim_start_matches("/colors.git"))
        .env("REQUEST_METHOD", request.method().as_str())
        .env("QUERY_STRING", request.uri().query().unwrap_or_default())
        .env("CONTENT_TYPE", text("content-type"))
        .env("HTTP_CONTENT_ENCODING", text("content-encoding"))
        .env("GIT_PROTOCOL", text("git-protocol"))
        .env("REMOTE_USER", LOGIN.0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    Some(command)
}

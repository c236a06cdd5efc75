//! The API over HTTPS, with a kubeconfig, for `kubectl` and every other program.
//!
//! The certificates are made at the start and live as long as the process; clients trust them through the kubeconfig, and
//! its token gives them every right. Service accounts have tokens of their own; who shows none is nobody in particular.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, crypto};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::api::identify;
use crate::state::Sandbox;

/// The name of cluster, user and context in the kubeconfig.
pub const NAME: &str = "sluice-sandbox";

/// How long a client may take to agree on how to encrypt.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Why the API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// No certificate could be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The certificate could not be used.
    #[error("cannot use the certificate: {0}")]
    Tls(#[from] rustls::Error),
    /// The machine has no randomness.
    #[error("cannot make a token: the machine gives no random numbers")]
    Random,
}

/// The API, about to be served.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    acceptor: TlsAcceptor,
    certificate: String,
    token: String,
}

impl Server {
    /// Listens on an address; port 0 takes a free one.
    pub async fn bind(address: SocketAddr) -> Result<Server, ServeError> {
        let listener = TcpListener::bind(address).await.map_err(|error| ServeError::Listen(address, error))?;
        let address = listener.local_addr().map_err(|error| ServeError::Listen(address, error))?;
        let issuer = CertifiedIssuer::self_signed(authority(), KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let names = vec!["localhost".to_owned(), "kubernetes.default.svc".to_owned(), address.ip().to_string()];
        let mut parameters = CertificateParams::new(names)?;
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = parameters.signed_by(&key, &issuer)?;
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let mut token = [0_u8; 24];
        provider.secure_random.fill(&mut token).map_err(|_| ServeError::Random)?;
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let token = BASE64_STANDARD.encode(token);
        Ok(Server {
            listener,
            address,
            acceptor: TlsAcceptor::from(Arc::new(config)),
            certificate: issuer.pem(),
            token,
        })
    }

    /// `https://127.0.0.1:6443`.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// What clients need to reach it, with every right.
    pub fn kubeconfig(&self) -> Value {
        let authority = BASE64_STANDARD.encode(&self.certificate);
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": NAME,
            "clusters": [{ "name": NAME, "cluster": { "server": self.url(), "certificate-authority-data": authority } }],
            "users": [{ "name": NAME, "user": { "token": self.token } }],
            "contexts": [{ "name": NAME, "context": { "cluster": NAME, "user": NAME, "namespace": "default" } }],
        })
    }

    /// Serves until the task is stopped.
    pub async fn run(self, sandbox: Sandbox) {
        sandbox.with(|state| state.tokens.trust(self.token));
        loop {
            let stream = next_connection(&self.listener).await;
            let (acceptor, sandbox) = (self.acceptor.clone(), sandbox.clone());
            tokio::spawn(async move {
                // Who connects and says nothing does not hold a place for ever; nor, by the timer, who never asks.
                let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await else { return };
                let service = TowerToHyperService::new(Guarded { sandbox });
                let mut connection = hyper::server::conn::http1::Builder::new();
                connection.timer(TokioTimer::new());
                // The client has gone away; watches end so.
                let _ = connection.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    }
}

/// The next connection. Where there can be none just now, as without a free descriptor, it is tried again after a while.
pub async fn next_connection(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

fn authority() -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "sluice-sandbox");
    parameters
}

/// The API for those who say who they are.
#[derive(Clone)]
struct Guarded {
    sandbox: Sandbox,
}

impl<B> tower_service::Service<http::Request<B>> for Guarded
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
{
    type Response = http::Response<crate::api::Body>;
    type Error = std::convert::Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        let header = request.headers_mut().remove(http::header::AUTHORIZATION);
        match self.sandbox.with(|state| identify::sender(state, header.as_ref())) {
            Ok(user) => {
                request.extensions_mut().insert(user);
                self.sandbox.call(request)
            }
            Err(refusal) => Box::pin(async move { Ok(crate::api::refuse(&refusal)) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, Request};
    use http_body_util::{BodyExt as _, Full};
    use tower_service::Service as _;

    use super::*;

    const PODS: &str = "/api/v1/namespaces/default/pods";

    /// What the sandbox answers to the holder of a token.
    async fn answer(sandbox: &Sandbox, method: Method, path: &str, token: &str, body: Value) -> (u16, Value) {
        let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
        let request = request.body(Full::<bytes::Bytes>::from(body.to_string())).expect("a request");
        let Ok(response) = Guarded { sandbox: sandbox.clone() }.call(request).await;
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        (head.status.as_u16(), serde_json::from_slice(&body).expect("JSON"))
    }

    async fn get(sandbox: &Sandbox, path: &str, token: &str) -> (u16, Value) {
        answer(sandbox, Method::GET, path, token, Value::Null).await
    }

    fn sandbox() -> Sandbox {
        let sandbox = Sandbox::new(jiff::Timestamp::UNIX_EPOCH);
        sandbox.with(|state| state.tokens.trust("secret".to_owned()));
        sandbox
    }

    async fn post(sandbox: &Sandbox, path: &str, body: Value) -> Value {
        let (code, made) = answer(sandbox, Method::POST, path, "secret", body).await;
        assert_eq!(code, 201, "{path}: {made}");
        made
    }

    #[tokio::test]
    async fn the_administrator_may_do_everything_and_nobody_in_particular_next_to_nothing() {
        let sandbox = sandbox();
        assert_eq!(get(&sandbox, PODS, "secret").await.0, 200);
        assert_eq!(get(&sandbox, PODS, "guessed").await.0, 401);
        assert_eq!(get(&sandbox, "/version", "guessed").await.0, 401);
        assert_eq!(get(&sandbox, "/version", "").await.0, 200);
        let (code, refusal) = get(&sandbox, PODS, "").await;
        assert_eq!(code, 403);
        let why =
            "User \"system:anonymous\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\"";
        assert_eq!(refusal["message"], format!("pods is forbidden: {why}"));
    }

    #[tokio::test]
    async fn a_service_account_may_do_what_its_roles_say_until_it_is_deleted() {
        let sandbox = sandbox();
        let accounts = "/api/v1/namespaces/default/serviceaccounts";
        let rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
        post(&sandbox, accounts, json!({ "metadata": { "name": "robot" } })).await;
        let made = post(&sandbox, &format!("{accounts}/robot/token"), json!({})).await;
        let token = made["status"]["token"].as_str().expect("a token");
        assert_eq!(get(&sandbox, PODS, token).await.0, 403);
        assert_eq!(get(&sandbox, "/apis", token).await.0, 200);
        let rules = json!([{ "apiGroups": [""], "resources": ["pods"], "verbs": ["list"] }]);
        post(&sandbox, &format!("{rbac}/roles"), json!({ "metadata": { "name": "reader" }, "rules": rules })).await;
        let binding = json!({
            "metadata": { "name": "reader" },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader" },
            "subjects": [{ "kind": "ServiceAccount", "name": "robot" }],
        });
        post(&sandbox, &format!("{rbac}/rolebindings"), binding).await;
        assert_eq!(get(&sandbox, PODS, token).await.0, 200);
        assert_eq!(get(&sandbox, &format!("{PODS}/web"), token).await.0, 403);
        answer(&sandbox, Method::DELETE, &format!("{accounts}/robot"), "secret", Value::Null).await;
        assert_eq!(get(&sandbox, PODS, token).await.0, 401);
        post(&sandbox, accounts, json!({ "metadata": { "name": "robot" } })).await;
        assert_eq!(get(&sandbox, PODS, token).await.0, 401);
    }

    #[tokio::test]
    async fn a_service_account_may_not_ask_as_somebody_else() {
        let sandbox = sandbox();
        post(&sandbox, "/api/v1/namespaces/default/serviceaccounts", json!({ "metadata": { "name": "robot" } })).await;
        let made = post(&sandbox, "/api/v1/namespaces/default/serviceaccounts/robot/token", json!({})).await;
        let bearer = format!("Bearer {}", made["status"]["token"].as_str().expect("a token"));
        for (name, value) in [("impersonate-user", "admin"), ("impersonate-user", "system:serviceaccount:default:x")] {
            let request = Request::get(PODS).header("authorization", &bearer).header(name, value);
            let request = request.header("impersonate-group", "system:masters").body(Full::<bytes::Bytes>::default());
            let Ok(response) = Guarded { sandbox: sandbox.clone() }.call(request.expect("a request")).await;
            assert_eq!(response.status(), 403, "{value}");
        }
    }
}

//! The API over HTTPS, with a kubeconfig, for `kubectl` and every other program.
//!
//! The certificates are made at the start and live as long as the process; clients trust them through the kubeconfig, and
//! are known by its token.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, crypto};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::refusal::Refusal;
use crate::state::Sandbox;

/// The name of cluster, user and context in the kubeconfig.
pub const NAME: &str = "sluice-sandbox";

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
        let expected = Arc::new(format!("Bearer {}", self.token));
        loop {
            // A connection that breaks before it begins concerns nobody else.
            let Ok((stream, _)) = self.listener.accept().await else { continue };
            let (acceptor, sandbox, expected) = (self.acceptor.clone(), sandbox.clone(), Arc::clone(&expected));
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = TowerToHyperService::new(Guarded { sandbox, expected });
                let connection = hyper::server::conn::http1::Builder::new();
                // The client has gone away; watches end so.
                let _ = connection.serve_connection(TokioIo::new(stream), service).await;
            });
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

/// The API for those who show the token.
#[derive(Clone)]
struct Guarded {
    sandbox: Sandbox,
    expected: Arc<String>,
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
        let shown = request.headers_mut().remove(http::header::AUTHORIZATION);
        if shown.is_some_and(|shown| shown.as_bytes() == self.expected.as_bytes()) {
            return self.sandbox.call(request);
        }
        Box::pin(async { Ok(crate::api::refuse(&Refusal::unauthorized())) })
    }
}

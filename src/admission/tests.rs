use std::path::PathBuf;
use std::sync::Arc;

use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, crypto};
use serde_json::{Value, json};
use sluice_core::snapshot::Service;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;

use super::certificate::Pair;
use super::*;
use crate::controller::children::{Index, IndexedService};

/// A certificate for this machine, and the authority that has signed it.
fn made() -> (Pair, CertificateDer<'static>) {
    let issuer = CertifiedIssuer::self_signed(authority(), KeyPair::generate().expect("a key")).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let parameters = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let certificate = parameters.signed_by(&key, &issuer).expect("a certificate").pem();
    let pair = Pair { certificate: certificate.into_bytes(), key: key.serialize_pem().into_bytes(), authority: None };
    (pair, CertificateDer::from_pem_slice(issuer.pem().as_bytes()).expect("PEM"))
}

fn authority() -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters
}

/// A folder that is gone with its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("sluice-admission-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn put(&self, name: &str, content: &[u8]) {
        std::fs::write(self.0.join(name), content).expect("the folder is writable");
    }

    fn source(&self) -> Source {
        Source::Folder(self.0.clone())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The caches of a cluster whose namespace `shop` has a Service for other pods.
fn around() -> Around {
    let mut index = Index::default();
    let metadata = ObjectMeta { name: Some("active".into()), ..ObjectMeta::default() };
    let target = sluice_core::effect::Target::of(&metadata);
    let selector = [("app".to_owned(), "other".to_owned())].into();
    let service =
        Service { target, selector, managed_by: None, has_annotations: false, controller: None, endpoints: None };
    index.apply(kube::runtime::watcher::Event::Apply(IndexedService { namespace: "shop".into(), service }));
    let (_, filled) = watch::channel(true);
    Around { services: Arc::new(std::sync::RwLock::new(index)), filled, namespace: None }
}

/// A webhook that is served on a port of this machine.
struct Served {
    port: u16,
    authority: CertificateDer<'static>,
    metrics: Metrics,
}

impl Served {
    async fn start() -> Served {
        let (pair, authority) = made();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (configs, current) = watch::channel(certificate::config(&pair).expect("a certificate"));
        let metrics = Metrics::new();
        let router = review::router(around(), metrics.clone());
        tokio::spawn(async move {
            accept(listener, current, router).await;
            drop(configs);
        });
        Served { port, authority, metrics }
    }

    /// Sends bytes, and returns what comes back until the end of the connection.
    async fn send(&self, head: &str, body: &[u8]) -> String {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.clone()).expect("an authority");
        let config = ClientConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await.expect("a connection");
        let name = ServerName::try_from("localhost").expect("a name");
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("TLS");
        let head = format!(
            "{head} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        // A server that has refused does not read on.
        let _ = stream.write_all(head.as_bytes()).await;
        let _ = stream.write_all(body).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn ask(&self, body: &Value) -> Value {
        let answer = self.send("POST /validate", body.to_string().as_bytes()).await;
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("application/json"), "{head}");
        serde_json::from_str(body).expect("JSON")
    }
}

fn creation(blue_green: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {"uid": "4711", "name": "web", "operation": "CREATE", "kind": {"group": "argoproj.io", "kind": "Rollout"}, "object": {
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {
                "selector": {"matchLabels": {"app": "web"}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [{"name": "web", "image": "web:1"}]},
                },
                "strategy": {"blueGreen": blue_green},
            },
        }},
    })
}

#[tokio::test]
async fn a_review_is_answered_and_counted() {
    let served = Served::start().await;
    let denied = served.ask(&creation(&json!({"activeService": "active", "previewService": "active"}))).await;
    assert_eq!(denied["response"]["allowed"], json!(false));
    let message = denied["response"]["status"]["message"].as_str().unwrap_or_default();
    assert!(message.starts_with("The Rollout \"web\" is invalid: spec.strategy.blueGreen"), "{message}");
    let admitted = served.ask(&creation(&json!({"activeService": "active", "previewService": "preview"}))).await;
    assert_eq!(admitted["response"]["allowed"], json!(true));
    assert_eq!(
        admitted["response"]["warnings"],
        json!([
            "spec.strategy.blueGreen.activeService: Invalid value: \"active\": Service \"active\" has unmatch label \"app\" in rollout",
            "spec.strategy.blueGreen.previewService: Service \"preview\" does not exist yet",
        ])
    );
    let metrics = served.metrics.render().expect("text");
    for allowed in ["true", "false"] {
        let line = format!("sluice_admission_reviews_total{{kind=\"Rollout\",allowed=\"{allowed}\"}} 1");
        assert!(metrics.contains(&line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn what_is_not_cached_is_neither_missing_nor_there() {
    let filling = Around { filled: watch::channel(false).1, ..around() };
    let elsewhere = Around { namespace: Some("other".into()), ..around() };
    for around in [filling, elsewhere] {
        let body = creation(&json!({"activeService": "missing"})).to_string();
        let request = sluice_core::admission::Request::read(body.as_bytes()).expect("a review");
        assert_eq!(request.decide(&around), sluice_core::admission::Verdict::default());
    }
}

#[tokio::test]
async fn what_is_no_review_is_refused() {
    let served = Served::start().await;
    for (head, body, expected) in [
        ("POST /validate", &b"{"[..], "HTTP/1.1 400 Bad Request"),
        ("POST /validate", b"", "HTTP/1.1 400 Bad Request"),
        ("POST /validate", b"\xff\xfe", "HTTP/1.1 400 Bad Request"),
        ("GET /validate", b"", "HTTP/1.1 405 Method Not Allowed"),
        ("POST /", b"", "HTTP/1.1 404 Not Found"),
    ] {
        let answer = served.send(head, body).await;
        assert!(answer.starts_with(expected), "{head}: {answer}");
    }
    let long = vec![b' '; sluice_core::admission::MOST_BYTES + 1];
    let answer = served.send("POST /validate", &long).await;
    assert!(answer.starts_with("HTTP/1.1 413 Payload Too Large"), "{answer}");
    // Those who do not speak TLS, or stop in the middle, leave it as it was.
    let mut stream = TcpStream::connect(("127.0.0.1", served.port)).await.expect("a connection");
    stream.write_all(b"POST /validate HTTP/1.1\r\n\r\n").await.expect("it is sent");
    drop(stream);
    assert_eq!(served.ask(&creation(&json!({"activeService": "a"}))).await["response"]["allowed"], json!(true));
}

#[tokio::test(start_paused = true)]
async fn another_certificate_is_taken_without_a_restart_and_half_of_one_is_not() {
    let folder = Folder::new("renewed");
    let (one, other) = (made().0, made().0);
    folder.put("tls.crt", &one.certificate);
    folder.put("tls.key", &one.key);
    let (pair, configs) = certificate::begin(&folder.source()).await.expect("a certificate");
    let mut seen = configs.subscribe();
    tokio::spawn(certificate::keep(folder.source(), pair, configs));
    folder.put("tls.crt", &other.certificate);
    let waited = tokio::time::timeout(Duration::from_mins(1), seen.changed()).await;
    assert!(waited.is_err(), "the key is still that of the first certificate");
    folder.put("tls.key", &other.key);
    seen.changed().await.expect("another certificate");
}

#[tokio::test]
async fn a_certificate_that_is_not_there_or_not_one_is_told_at_the_start() {
    let folder = Folder::new("missing");
    let says = async |expected: &str| {
        let error = certificate::begin(&folder.source()).await.err().expect("refused");
        assert!(format!("{error:#}").contains(expected), "{error:#}");
    };
    says("tls.crt for the webhook (--webhook-cert-dir)").await;
    folder.put("tls.crt", b"certificate");
    folder.put("tls.key", b"key");
    says("there is no certificate in the PEM").await;
    folder.put("tls.crt", &made().0.certificate);
    says("the key is not PEM").await;
    folder.put("tls.key", &made().0.key);
    says("do not go together").await;
}

fn own(sandbox: &sluice_sandbox::Sandbox) -> Own {
    Own { client: kube::Client::new(sandbox.clone(), "default"), namespace: "default".to_owned() }
}

#[tokio::test]
async fn replicas_share_the_certificate_that_the_first_has_made_until_somebody_deletes_it() {
    let sandbox = sluice_sandbox::Sandbox::new(jiff::Timestamp::UNIX_EPOCH);
    let (one, other) = (own(&sandbox), own(&sandbox));
    let (first, second) = tokio::join!(one.read(), other.read());
    let first = first.expect("a certificate");
    assert!(first == second.expect("a certificate"));
    certificate::config(&first).expect("it can be served");
    let secrets: kube::Api<k8s_openapi::api::core::v1::Secret> = kube::Api::default_namespaced(one.client.clone());
    secrets.delete(own::NAME, &kube::api::DeleteParams::default()).await.expect("the Secret was there");
    let renewed = other.read().await.expect("a certificate");
    assert!(renewed != first);
    secrets.delete(own::NAME, &kube::api::DeleteParams::default()).await.expect("the Secret was there");
    let empty = serde_json::from_value(json!({"metadata": {"name": own::NAME}})).expect("a Secret");
    secrets.create(&kube::api::PostParams::default(), &empty).await.expect("an empty Secret");
    let error = format!("{:#}", one.read().await.err().expect("refused"));
    assert!(error.contains("delete it for a new one: it has no tls.crt"), "{error}");
}

#[test]
fn only_the_webhooks_of_this_controller_are_told_whom_to_trust() {
    let service = |namespace: &str| json!({"service": {"namespace": namespace, "name": "sluice-webhook"}});
    let webhook = |client: Value| json!({"name": "a.b.c", "admissionReviewVersions": ["v1"], "sideEffects": "None", "clientConfig": client});
    let configuration = json!({
        "metadata": {"name": "sluice", "resourceVersion": "7"},
        "webhooks": [webhook(service("other")), webhook(service("home")), webhook(json!({"url": "https://example.com"}))],
    });
    let mut configuration: ValidatingWebhookConfiguration =
        serde_json::from_value(configuration).expect("a configuration");
    assert_eq!(
        own::announcement(&configuration, "home", b"PEM"),
        Some(json!([
            {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
            {"op": "add", "path": "/webhooks/1/clientConfig/caBundle", "value": "UEVN"},
        ]))
    );
    let webhooks = configuration.webhooks.as_mut().expect("webhooks");
    webhooks[1].client_config.ca_bundle = Some(k8s_openapi::ByteString(b"PEM".to_vec()));
    assert_eq!(own::announcement(&configuration, "home", b"PEM"), None);
    assert_eq!(own::announcement(&configuration, "nowhere", b"PEM"), None);
}

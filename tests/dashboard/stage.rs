//! What a story needs: a cluster with rollouts, a dashboard, and somebody who asks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::{Api, DynamicObject, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, Config};
use reqwest::redirect::Policy;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use sluice::clock::Clock;
use sluice::controller::Clients;
use sluice::dashboard::access::oidc::provider::Provider;
use sluice::dashboard::access::{Connect, Gate, with_tokens};
use sluice::dashboard::{self, Settings};
use sluice::metrics::Metrics;
use sluice::trial;
use sluice_core::api::Rollout;
use sluice_sandbox::Sandbox;
use sluice_sandbox::serve::Server;
use sluice_sandbox::workloads::node;
use tokio::time::Instant;

/// How long a condition may take. Generous: it is only ever waited out on failure.
const LIMIT: Duration = Duration::from_mins(1);

/// What a form of a page is sent as.
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A story's stage.
pub struct Stage {
    /// With every right.
    pub client: Client,
    browser: reqwest::Client,
    /// The dashboard's address.
    pub address: String,
    /// A token of the cluster that is shown instead of those that the provider issues to `ann`: what an API server does that trusts it.
    pub anns: Arc<Mutex<Option<String>>>,
    /// How often the dashboard made a client for somebody's token.
    pub connected: Arc<AtomicUsize>,
}

/// How the dashboard is started.
pub struct Manner {
    /// Who is let in.
    pub gate: Gate,
    /// Whether nobody may change anything.
    pub read_only: bool,
}

/// On one's own machine.
pub const OWN: Manner = Manner { gate: Gate::Owner, read_only: false };
/// For everybody with a token.
pub const SHARED: Manner = Manner { gate: Gate::Token, read_only: false };

impl Stage {
    /// A cluster without a controller, and a dashboard.
    pub async fn new(manner: Manner) -> Stage {
        Stage::with_provider(manner, None).await
    }

    /// The same, where people can log in at a provider.
    pub async fn with_provider(manner: Manner, provider: Option<Provider>) -> Stage {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let sandbox = Sandbox::on_machine_time();
        let (client, _) = trial::prepare(&sandbox, Box::new(node::Lifeless)).await.expect("a sandbox");
        let server = Server::bind("127.0.0.1:0".parse().expect("an address")).await.expect("a server");
        let kubeconfig = Kubeconfig::from_yaml(&server.kubeconfig().to_string()).expect("a kubeconfig");
        tokio::spawn(server.run(sandbox));
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.expect("a config");
        let listener = dashboard::listen("127.0.0.1:0".parse().expect("an address")).await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let settings = Settings {
            gate: manner.gate,
            read_only: manner.read_only,
            root: "rollouts".to_owned(),
            namespace: "shop".to_owned(),
            cluster: "test".to_owned(),
        };
        let owner = Client::try_from(config.clone()).expect("a client");
        let anns = Arc::new(Mutex::new(None::<String>));
        let (trusted, connect) = (Arc::clone(&anns), with_tokens(&config));
        let connected = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connected);
        let connect: Connect = Arc::new(move |token| {
            count.fetch_add(1, Ordering::Relaxed);
            let claims = token.split('.').nth(1).and_then(|claims| BASE64_URL_SAFE_NO_PAD.decode(claims).ok());
            let is_anns = claims.is_some_and(|claims| String::from_utf8_lossy(&claims).contains(r#""sub":"ann""#));
            let own = trusted.lock().expect("a token").clone().filter(|_| is_anns);
            connect(own.as_deref().unwrap_or(token))
        });
        let clients = (owner, connect);
        tokio::spawn(dashboard::serve_with_provider(settings, clients, provider, None, listener));
        let browser = reqwest::Client::builder().redirect(Policy::none()).build().expect("a client");
        let stage = Stage { client, browser, address, anns, connected };
        for namespace in ["shop", "bank"] {
            stage.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})).await;
        }
        stage
    }

    /// A controller that acts on what is there.
    pub fn control(&self) {
        let clients = Clients { reads: self.client.clone(), writes: self.client.clone() };
        trial::control(clients, Clock::System, Metrics::new(), trial::USUAL);
    }

    /// Creates an object.
    pub async fn apply(&self, object: &Value) {
        let kind = GroupVersionKind::try_from(&serde_json::from_value(object.clone()).expect("types")).expect("a kind");
        let object: DynamicObject = serde_json::from_value(object.clone()).expect("an object");
        let resource = ApiResource::from_gvk(&kind);
        let api: Api<DynamicObject> = match &object.metadata.namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        };
        api.create(&PostParams::default(), &object).await.expect("it is created");
    }

    /// Creates a rollout.
    pub async fn rollout(&self, namespace: &str, name: &str) {
        self.apply(&rollout(namespace, name)).await;
    }

    /// A rollout as it is.
    pub async fn read(&self, namespace: &str, name: &str) -> Rollout {
        Api::<Rollout>::namespaced(self.client.clone(), namespace).get(name).await.expect("a rollout")
    }

    /// Lets a person do in `shop` all that the rules say.
    pub async fn bind(&self, person: &str, rules: &Value) {
        let meta = json!({"namespace": "shop", "name": person.replace(':', "-")});
        let rbac = "rbac.authorization.k8s.io";
        self.apply(&json!({"apiVersion": format!("{rbac}/v1"), "kind": "Role", "metadata": meta, "rules": rules}))
            .await;
        self.apply(&json!({
            "apiVersion": format!("{rbac}/v1"), "kind": "RoleBinding", "metadata": meta,
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": meta["name"]},
            "subjects": [{"kind": "User", "apiGroup": rbac, "name": person}],
        }))
        .await;
    }

    /// A token of a service account of `shop` that may do all that the rules say there.
    pub async fn token(&self, name: &str, rules: &Value) -> String {
        let meta = json!({"namespace": "shop", "name": name});
        let rbac = "rbac.authorization.k8s.io";
        self.apply(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})).await;
        self.apply(&json!({"apiVersion": format!("{rbac}/v1"), "kind": "Role", "metadata": meta, "rules": rules}))
            .await;
        self.apply(&json!({
            "apiVersion": format!("{rbac}/v1"), "kind": "RoleBinding", "metadata": meta,
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": "shop"}],
        }))
        .await;
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), "shop");
        let request = TokenRequest { spec: Some(TokenRequestSpec::default()), ..TokenRequest::default() };
        let answer = accounts.create_token_request(name, &PostParams::default(), &request).await.expect("a token");
        answer.status.and_then(|status| status.token).expect("a token")
    }

    /// Logs in with a token, and returns the cookie of the session.
    pub async fn session(&self, token: &str) -> String {
        let login = self.asked(Method::POST, "/login").header(FORM.0, FORM.1).body(format!("token={token}"));
        session_of(&login.send().await.expect("an answer"))
    }

    /// Logs out.
    pub async fn end_session(&self, cookie: &str) {
        let logout = self.asked(Method::POST, "/logout").header("cookie", cookie).header(FORM.0, FORM.1);
        assert_eq!(logout.send().await.expect("an answer").status(), 303);
    }

    /// A request that nothing is added to.
    pub fn asked(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.browser.request(method, format!("{}{path}", self.address))
    }

    /// What a page says.
    pub async fn page(&self, path: &str) -> String {
        text(self.asked(Method::GET, path).send().await.expect("an answer")).await
    }

    /// What the HTTP API says.
    pub async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.page(path).await).expect("JSON")
    }

    /// Waits until a page says something.
    pub async fn until_page_says(&self, path: &str, wanted: &str) -> String {
        let start = Instant::now();
        loop {
            let page = self.page(path).await;
            if page.contains(wanted) {
                return page;
            }
            assert!(start.elapsed() < LIMIT, "{path} does not say {wanted:?}: {page}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until somebody sees a page: the dashboard has heard of what it is about.
    pub async fn until_seen(&self, path: &str, token: &str) {
        let start = Instant::now();
        loop {
            let answer = self.asked(Method::GET, path).bearer_auth(token).send().await.expect("an answer");
            if answer.status() == 200 {
                return;
            }
            assert!(start.elapsed() < LIMIT, "{path}: {}", answer.status());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What a stream says from now on, until it says something.
    pub async fn until_stream_says(&self, path: &str, accept: &str, wanted: &str) -> String {
        let request = self.asked(Method::GET, path).header("accept", accept);
        let mut answer = request.send().await.expect("an answer");
        let mut said = String::new();
        let heard = async {
            while !said.contains(wanted) {
                let more = answer.chunk().await.expect("it is not cut").expect("the stream goes on");
                said += &String::from_utf8_lossy(&more);
            }
        };
        assert!(tokio::time::timeout(LIMIT, heard).await.is_ok(), "{path} does not say {wanted:?}: {said}");
        said
    }
}

/// The text of an answer.
pub async fn text(answer: Response) -> String {
    answer.text().await.expect("text")
}

/// A rollout of two pods that pauses at half.
pub fn rollout(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"namespace": namespace, "name": name},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": {"app": name}},
            "strategy": {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "web", "image": "web:1"}]},
            },
        },
    })
}

/// The session that an answer begins, as a cookie to send.
pub fn session_of(answer: &Response) -> String {
    let mut cookies = answer.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().expect("text"));
    let session = cookies.find(|cookie| cookie.starts_with("sluice-session-")).expect("a session");
    session.split(';').next().expect("a cookie").to_owned()
}

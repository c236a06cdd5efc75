//! Looks at Applications by those who may do less than the controller, on the sandbox.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, PostParams};
use kube::client::Body;
use serde::de::DeserializeOwned;
use serde_json::json;
use sluice_sandbox::Sandbox;

use super::*;

/// What an API server refuses, by method and path with its query.
type Refuses = fn(&Method, &str) -> bool;

/// An API server that permits less than all.
#[derive(Clone)]
struct Strict {
    sandbox: Sandbox,
    refuses: Refuses,
}

impl tower::Service<Request<Body>> for Strict {
    type Response = Response<Body>;
    type Error = std::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let mut strict = self.clone();
        Box::pin(async move {
            let (method, uri) = (request.method().clone(), request.uri().to_string());
            let is_dry = uri.contains("dryRun=All");
            assert!(method == Method::GET || is_dry, "a look has written: {method} {uri}");
            if (strict.refuses)(&method, &uri) {
                let status = json!({"kind": "Status", "code": 403, "reason": "Forbidden", "message": "you may not"});
                let body = Body::from(status.to_string().into_bytes());
                return Ok(Response::builder().status(403).body(body).expect("a response"));
            }
            let Ok(response) = strict.sandbox.call(request).await;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.expect("a body").to_bytes().to_vec();
            Ok(Response::from_parts(parts, Body::from(body)))
        })
    }
}

/// A cluster with a namespace, and a folder.
struct Stage {
    sandbox: Sandbox,
    folder: TempDir,
}

impl Stage {
    async fn new() -> Stage {
        let stage = Stage { sandbox: Sandbox::on_machine_time(), folder: tempfile::tempdir().expect("a folder") };
        stage.create::<Namespace>(Api::all(stage.all()), json!({"metadata": {"name": "shop"}})).await;
        fs::create_dir(stage.folder.path().join("app")).expect("a folder");
        stage
    }

    fn all(&self) -> Client {
        Client::new(self.sandbox.clone(), "default")
    }

    async fn create<K>(&self, api: Api<K>, object: Value)
    where
        K: kube::Resource + Clone + std::fmt::Debug + DeserializeOwned + serde::Serialize,
    {
        let object = serde_json::from_value(object).expect("an object");
        api.create(&PostParams::default(), &object).await.expect("it is accepted");
    }

    fn write(&self, name: &str, color: &str) {
        let map =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"color": color}});
        fs::write(self.folder.path().join("app").join(format!("{name}.yaml")), map.to_string()).expect("a file");
    }

    async fn look(&self, refuses: Refuses, is_local: bool) -> Result<Preview, String> {
        let application = json!({
            "metadata": {"name": "colors", "namespace": "gitops"},
            "spec": {
                "source": {"repoURL": "/nowhere/colors.git", "path": "app"},
                "destination": {"name": "in-cluster", "namespace": "shop"},
            },
        });
        let client = Client::new(Strict { sandbox: self.sandbox.clone(), refuses }, "default");
        let folder = self.folder.path().join("app");
        let local = is_local.then_some(Local { source: 0, folder, root: None });
        let application = serde_json::from_value(application).expect("an Application");
        Preview::new(&client, application, Wish { local, ..Wish::default() }).await
    }

    async fn stands(&self, refuses: Refuses) -> (Vec<(String, Stand)>, Vec<String>) {
        let mut preview = self.look(refuses, true).await.expect("a look");
        let sights = preview.sights().await.expect("sights");
        (sights.into_iter().map(|sight| (sight.key.name, sight.stand)).collect(), preview.unknown())
    }
}

/// A ConfigMap of the Application.
fn own(name: &str) -> Value {
    let id = format!("colors:/ConfigMap:shop/{name}");
    json!({"metadata": {"name": name, "annotations": {"argocd.argoproj.io/tracking-id": id}}, "data": {"color": "blue"}})
}

#[tokio::test]
async fn what_may_not_be_asked_is_told_of_its_object_and_hides_no_other() {
    let stage = Stage::new().await;
    let maps = || Api::<ConfigMap>::namespaced(stage.all(), "shop");
    for name in ["changed", "gone"] {
        stage.create(maps(), own(name)).await;
    }
    for name in ["changed", "new", "secret", "sealed"] {
        stage.write(name, "green");
    }
    let refuses: Refuses = |method, uri| {
        (method == Method::PATCH && uri.contains("/secret?")) || (method == Method::GET && uri.contains("/sealed"))
    };
    let (stands, unknown) = stage.stands(refuses).await;
    let stand = |name: &str| stands.iter().find(|(known, _)| known == name).map(|(_, stand)| stand.clone());
    assert_eq!(stand("changed"), Some(Stand::Differs));
    assert_eq!(stand("gone"), Some(Stand::Goes));
    assert_eq!(stand("new"), Some(Stand::New));
    assert_eq!(stand("secret"), Some(Stand::Refused("you may not".to_owned())));
    let sealed = stand("sealed");
    assert!(
        matches!(&sealed, Some(Stand::Refused(why)) if why.starts_with("cannot read /ConfigMap/sealed: ")),
        "{sealed:?}"
    );
    assert_eq!(unknown, Vec::<String>::new());
}

#[tokio::test]
async fn who_may_look_in_one_namespace_alone_sees_what_would_go_there() {
    let stage = Stage::new().await;
    stage.create(Api::<ConfigMap>::namespaced(stage.all(), "shop"), own("gone")).await;
    stage.write("new", "green");
    let (stands, unknown) =
        stage.stands(|_, uri| uri.starts_with("/api/v1/configmaps") || uri.contains("/appprojects")).await;
    assert_eq!(stands, [("gone".to_owned(), Stand::Goes), ("new".to_owned(), Stand::New)]);
    assert_eq!(unknown, ["you may not read AppProject default: what it permits is not known"]);
    let (stands, unknown) = stage.stands(|_, uri| uri.contains("/configmaps?")).await;
    assert_eq!(stands, [("new".to_owned(), Stand::New)]);
    assert_eq!(unknown, ["you may not list configmaps in namespace shop: what would go of them is not known"]);
}

#[tokio::test]
async fn who_may_not_read_how_repositories_are_reached_hears_of_it_when_one_is_not() {
    let stage = Stage::new().await;
    stage.write("new", "green");
    let refuses: Refuses = |_, uri| uri.contains("/namespaces/gitops/secrets");
    assert_eq!(stage.stands(refuses).await.1, Vec::<String>::new());
    let preview = stage.look(refuses, false).await.expect("a look");
    let why = preview.manifests().await.expect_err("there is no such repository");
    assert!(why.starts_with("/nowhere/colors.git: cannot list the branches and tags: "), "{why}");
    assert!(
        why.ends_with("(you may not list the Secrets of namespace gitops, which say how repositories are reached)"),
        "{why}"
    );
    let preview = stage.look(|_, _| false, false).await.expect("a look");
    let why = preview.manifests().await.expect_err("there is no such repository");
    assert!(!why.contains("you may not"), "{why}");
}

#[test]
fn the_folder_for_copies_is_the_users_own_and_one_processs_at_a_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache/sluice");
    let first = Place::take(Some(&path)).expect("a place");
    assert_eq!(fs::metadata(&path).expect("a folder").permissions().mode() & 0o777, 0o700);
    let second = Place::take(Some(&path)).expect("a place");
    assert_eq!(first.path(), path);
    assert_ne!(second.path(), path);
    drop(first);
    assert_eq!(Place::take(Some(&path)).expect("a place").path(), path);
}

//! A team's machine learning platform: a chart whose templates are Applications, each of a folder of Kustomize for the environment, in
//! a private repository.

use kube::api::{Api, DeleteParams, DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

use crate::server::{LOGIN, Server};
use crate::story::{Story, automated, setting};

const APPLICATION: (&str, &str) = ("argoproj.io/v1alpha1", "Application");
const CUSTOM: (&str, &str) = ("apiextensions.k8s.io/v1", "CustomResourceDefinition");
const FINALIZER: &str = "resources-finalizer.argocd.argoproj.io";

const CHART: &str = "apiVersion: v2\nname: platform\nversion: 1.0.0\n";

const APPLICATIONS: &str = r"
{{- range $name, $application := .Values.applications }}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {{ $name }}-{{ $.Release.Namespace }}
  finalizers: [resources-finalizer.argocd.argoproj.io]
spec:
  project: default
  source:
    repoURL: {{ $.Values.repository | quote }}
    path: applications/{{ $name }}/{{ $.Values.environment }}
    targetRevision: main
  destination:
    server: https://kubernetes.default.svc
    namespace: {{ $.Release.Namespace }}-{{ $name }}
  syncPolicy:
    {{- if $application.automated }}
    automated: {prune: true, selfHeal: true}
    {{- end }}
    syncOptions: [CreateNamespace=true]
{{- end }}
";

const VALUES: &str = "environment: none\napplications:\n  notebooks: {automated: true}\n  models: {automated: true}\n";

/// The notebooks, with this image.
fn notebooks(image: &str) -> String {
    let labels = json!({ "app": "notebooks" });
    let containers = json!([{ "name": "notebooks", "image": image }]);
    let template = json!({ "metadata": { "labels": labels }, "spec": { "containers": containers } });
    let spec = json!({ "replicas": 1, "selector": { "matchLabels": labels }, "template": template });
    json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "notebooks" }, "spec": spec })
        .to_string()
}

/// The definition of models, in a group of the story's own.
fn definition(s: &Story) -> Value {
    let group = format!("{}.example.com", s.namespace);
    let spec = json!({ "type": "object", "properties": { "size": { "type": "integer" } } });
    let schema = json!({ "openAPIV3Schema": { "type": "object", "properties": { "spec": spec } } });
    json!({
        "apiVersion": CUSTOM.0, "kind": CUSTOM.1, "metadata": { "name": format!("models.{group}") },
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": { "kind": "Model", "plural": "models", "singular": "model", "listKind": "ModelList" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": schema }],
        },
    })
}

/// A model.
fn model(s: &Story, name: &str) -> Value {
    let version = format!("{}.example.com/v1", s.namespace);
    json!({ "apiVersion": version, "kind": "Model", "metadata": { "name": name }, "spec": { "size": 7 } })
}

/// The platform in a repository that asks who is there; its last commit.
async fn platform(s: &Story) -> (Server, String) {
    s.git.write("platform/Chart.yaml", CHART).write("platform/values.yaml", VALUES);
    s.git.write("platform/templates/applications.yaml", APPLICATIONS);
    s.git.write("environments/production.yaml", "environment: production\n");
    let base = |folder: &str, files: &[(&str, String)]| {
        let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
        s.git.write(&format!("{folder}/base/kustomization.yaml"), &json!({ "resources": names }).to_string());
        for (name, content) in files {
            s.git.write(&format!("{folder}/base/{name}"), content);
        }
    };
    base(
        "applications/notebooks",
        &[("notebooks.yaml", notebooks("notebooks")), ("color.yaml", setting("color", "blue"))],
    );
    base(
        "applications/models",
        &[("definition.yaml", definition(s).to_string()), ("first.yaml", model(s, "first").to_string())],
    );
    s.git.write("applications/notebooks/production/kustomization.yaml", &production("1"));
    s.git.write("applications/models/production/kustomization.yaml", "resources: [../base]\n");
    let commit = s.git.commit("A platform");

    let server = Server::start(&s.git.path()).await;
    let labels = json!({ "app.kubernetes.io/part-of": "argocd" });
    let metadata = json!({ "name": "argocd-tls-certs-cm", "labels": labels });
    let data = json!({ "localhost": server.certificate });
    s.create(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data })).await;
    let metadata = json!({ "name": "platform", "labels": { "argocd.argoproj.io/secret-type": "repository" } });
    let data = json!({ "url": server.url, "username": LOGIN.0, "password": LOGIN.1 });
    s.create(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data })).await;
    (server, commit)
}

/// What production adds to the notebooks.
fn production(tag: &str) -> String {
    format!("resources: [../base]\nimages: [{{name: notebooks, newTag: \"{tag}\"}}]\n")
}

/// The Application of all of it.
async fn install(s: &Story, server: &Server) -> String {
    let mut changes = automated(true, true);
    changes["metadata"] = json!({ "finalizers": [FINALIZER] });
    changes["spec"]["source"] = json!({ "repoURL": server.url, "path": "platform", "helm": {
        "releaseName": "platform", "valueFiles": ["values.yaml", "/environments/production.yaml"],
        "parameters": [{ "name": "repository", "value": server.url }],
    } });
    s.application("platform", changes).await
}

/// The Application of a part of it.
fn part(s: &Story, name: &str) -> String {
    format!("{name}-{}", s.namespace)
}

/// The objects of a kind in the namespace of a part.
fn objects(s: &Story, name: &str, (api_version, kind): (&str, &str)) -> Api<DynamicObject> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    Api::namespaced_with(s.client(), &format!("{}-{name}", s.namespace), &resource)
}

async fn get(api: &Api<DynamicObject>, name: &str) -> Option<Value> {
    let found = api.get_opt(name).await.expect("an answer");
    found.map(|object| serde_json::to_value(object).expect("an object"))
}

/// Waits until an object is there for which this holds; gives it.
async fn until(s: &Story, api: &Api<DynamicObject>, name: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let begun = tokio::time::Instant::now();
    loop {
        let object = get(api, name).await;
        if let Some(object) = object.as_ref().filter(|object| holds(object)) {
            return object.clone();
        }
        assert!(begun.elapsed().as_secs() < 60, "{name} is not as it should be: {object:#?}");
        s.wait(1).await;
    }
}

fn image(object: &Value) -> &Value {
    &object["spec"]["template"]["spec"]["containers"][0]["image"]
}

pub async fn a_platform_comes_from_a_private_repository(s: Story) {
    let (server, commit) = platform(&s).await;
    let root = install(&s, &server).await;
    s.synced(&root, &commit).await;
    let status = s.synced(&part(&s, "notebooks"), &commit).await;
    assert_eq!(status["sourceType"], "Kustomize");
    s.synced(&part(&s, "models"), &commit).await;
    let deployments = objects(&s, "notebooks", ("apps/v1", "Deployment"));
    let notebooks = get(&deployments, "notebooks").await.expect("it is there");
    assert_eq!(image(&notebooks), "notebooks:1", "as production has it");
    // Somebody deletes it, and it comes back.
    deployments.delete("notebooks", &DeleteParams::default()).await.expect("it is deleted");
    until(&s, &deployments, "notebooks", |it| it["metadata"]["uid"] != notebooks["metadata"]["uid"]).await;
}

pub async fn one_part_of_a_platform_waits_for_a_person(s: Story) {
    let (server, first) = platform(&s).await;
    let root = install(&s, &server).await;
    s.synced(&root, &first).await;
    let app = part(&s, "notebooks");
    s.synced(&app, &first).await;
    // In production, the notebooks wait from now on.
    let off = "environment: production\napplications:\n  notebooks: {automated: false}\n";
    s.git.write("environments/production.yaml", off);
    let second = s.git.commit("Notebooks wait");
    s.synced(&root, &second).await;
    s.git.write("applications/notebooks/production/kustomization.yaml", &production("2"));
    let mut other = model(&s, "first");
    other["spec"]["size"] = 8.into();
    s.git.write("applications/models/base/first.yaml", &other.to_string());
    let third = s.git.commit("A new version of both");
    s.synced(&part(&s, "models"), &third).await;
    s.until(&app, "out of sync", |status| {
        status["sync"]["status"] == "OutOfSync" && status["sync"]["revision"] == third.as_str()
    })
    .await;
    s.wait(3).await;
    let deployments = objects(&s, "notebooks", ("apps/v1", "Deployment"));
    assert_eq!(image(&get(&deployments, "notebooks").await.expect("it is there")), "notebooks:1");
    // A person has a look, and lets them come.
    s.patch(APPLICATION.0, APPLICATION.1, &app, json!({ "operation": { "sync": {} } })).await;
    s.synced(&app, &third).await;
    assert_eq!(image(&get(&deployments, "notebooks").await.expect("it is there")), "notebooks:2");
}

pub async fn a_platform_goes_back_by_a_revert_and_says_what_it_has_had(s: Story) {
    let (server, first) = platform(&s).await;
    let root = install(&s, &server).await;
    s.synced(&root, &first).await;
    let app = part(&s, "notebooks");
    s.synced(&app, &first).await;
    s.git.write("applications/notebooks/production/kustomization.yaml", &production("2"));
    let second = s.git.commit("A new version");
    s.synced(&app, &second).await;
    let deployments = objects(&s, "notebooks", ("apps/v1", "Deployment"));
    until(&s, &deployments, "notebooks", |it| image(it) == "notebooks:2").await;
    s.git.git(&["revert", "--no-edit", "HEAD"]);
    let third = s.git.git(&["rev-parse", "HEAD"]);
    let status = s.synced(&app, &third).await;
    until(&s, &deployments, "notebooks", |it| image(it) == "notebooks:1").await;
    let history = status["history"].as_array().expect("a history");
    let revisions: Vec<_> = history.iter().map(|one| one["revision"].clone()).collect();
    assert_eq!(revisions, [first, second, third]);
    let is_told = |one: &Value| one["deployedAt"].is_string() && one["initiatedBy"] == json!({ "automated": true });
    assert!(history.iter().all(is_told), "{history:?}");
    assert!(status["operationState"]["finishedAt"].is_string());
}

/// Somebody has installed the definitions before, by hand, and has objects of them.
pub async fn a_platform_comes_over_definitions_that_are_there_and_leaves_them(s: Story) {
    let mut before = definition(&s);
    let applied = before.to_string();
    before["metadata"]["annotations"] = json!({ "kubectl.kubernetes.io/last-applied-configuration": applied });
    let name = before["metadata"]["name"].as_str().expect("a name").to_owned();
    let by_hand = PostParams { field_manager: Some("kubectl-client-side-apply".to_owned()), ..PostParams::default() };
    let object = serde_json::from_value(before).expect("a definition");
    s.api(CUSTOM.0, CUSTOM.1).create(&by_hand, &object).await.expect("it is accepted");
    let is_served = |it: &Value| {
        it["status"]["conditions"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["type"] == "Established" && one["status"] == "True"))
    };
    s.until_object(CUSTOM, &name, is_served).await;
    let version = format!("{}.example.com/v1", s.namespace);
    s.create(model(&s, "dear")).await;
    let dear = s.object(&version, "Model", "dear").await.expect("it is there");
    let definition = s.object(CUSTOM.0, CUSTOM.1, &name).await.expect("it is there");

    let (server, commit) = platform(&s).await;
    let models = objects(&s, "models", (&version, "Model"));
    for attempt in ["first", "again"] {
        let root = install(&s, &server).await;
        s.synced(&root, &commit).await;
        s.synced(&part(&s, "models"), &commit).await;
        assert!(get(&models, "first").await.is_some(), "{attempt}");
        s.delete(APPLICATION.0, APPLICATION.1, &root).await;
        for app in [root, part(&s, "models"), part(&s, "notebooks")] {
            s.until_gone(APPLICATION.0, APPLICATION.1, &app).await;
        }
        assert!(get(&models, "first").await.is_none(), "{attempt}: its own objects have gone with it");
        let deployments = objects(&s, "notebooks", ("apps/v1", "Deployment"));
        assert!(get(&deployments, "notebooks").await.is_none(), "{attempt}");
        let left = s.object(CUSTOM.0, CUSTOM.1, &name).await.expect("it is there");
        assert_eq!(left["metadata"]["uid"], definition["metadata"]["uid"], "{attempt}");
        assert_eq!(s.object(&version, "Model", "dear").await.as_ref(), Some(&dear), "{attempt}");
    }
}

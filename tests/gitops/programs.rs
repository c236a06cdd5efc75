//! Folders that programs render: Helm's and Kustomize's.

use serde_json::{Value, json};
use sluice::gitops::Programs;

use crate::repository::Repository;
use crate::story::{Story, automated, setting};
use crate::waves::job;

const BASE: &str = "resources: [color.yaml, web.yaml]\n";

fn deployment() -> String {
    let labels = json!({ "app": "web" });
    let pod =
        json!({ "metadata": { "labels": labels }, "spec": { "containers": [{ "name": "web", "image": "web:1" }] } });
    let spec = json!({ "replicas": 1, "selector": { "matchLabels": labels }, "template": pod });
    json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" }, "spec": spec }).to_string()
}

fn base(s: &Story) {
    s.git.write("base/kustomization.yaml", BASE).write("base/color.yaml", &setting("color", "blue"));
    s.git.write("base/web.yaml", &deployment());
}

pub async fn a_folder_of_kustomize_is_rendered_with_what_the_application_adds(s: Story) {
    base(&s);
    s.git.write(
        "app/kustomization.yaml",
        "resources: [../base]\nnamePrefix: old-\nimages: [{name: web, newTag: \"2\"}]\n",
    );
    let commit = s.git.commit("An overlay");
    let mut changes = automated(true, true);
    changes["spec"]["source"] = json!({ "kustomize": {
        "namePrefix": "new-", "images": ["web=registry.example.com/web:3"], "replicas": [{ "name": "web", "count": 2 }],
        "commonLabels": { "tier": "front" }, "labelWithoutSelector": true,
    } });
    let app = s.application("kustomize", changes).await;
    let status = s.synced(&app, &commit).await;
    assert_eq!(status["sourceType"], "Kustomize");
    assert_eq!(s.setting("new-color").await.as_deref(), Some("blue"));
    let web = s.object("apps/v1", "Deployment", "new-web").await.expect("it is there");
    assert_eq!(web["spec"]["template"]["spec"]["containers"][0]["image"], "registry.example.com/web:3");
    assert_eq!((&web["spec"]["replicas"], &web["metadata"]["labels"]["tier"]), (&json!(2), &json!("front")));
    assert_eq!(web["spec"]["selector"]["matchLabels"], json!({ "app": "web" }));
}

pub async fn a_commit_that_touches_nothing_of_it_renders_nothing(s: Story) {
    base(&s);
    s.git.write("app/kustomization.yaml", "resources: [../base]\n");
    let first = s.git.commit("An overlay");
    let app = s.application("kustomize", automated(true, true)).await;
    s.synced(&app, &first).await;
    s.until(&app, "healthy", |status| status["health"]["status"] == "Healthy").await;
    let before = s.renders();
    assert_eq!(before.len(), 1);
    s.git.write("elsewhere/README.md", "Nothing of it.\n");
    s.git.commit("Elsewhere");
    let version = async || s.applications().get(&app).await.expect("it is there").metadata.resource_version;
    let written = version().await;
    s.wait(4).await;
    assert_eq!(s.renders(), before, "neither for that nor for the polls since");
    // It is no version of this Application either.
    assert_eq!(version().await, written);
    assert_eq!(s.status(&app).await["sync"]["revision"], first.as_str());
    s.git.write("base/color.yaml", &setting("color", "red"));
    let third = s.git.commit("Red");
    s.synced(&app, &third).await;
    s.until_setting("color", Some("red")).await;
    assert_eq!(s.renders().len(), 2);
}

/// A chart with a setting of each kind of value, a definition of nobody, and a hook.
fn chart(s: &Story) {
    let chart = "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- {name: part, version: 1.0.0, repository: \"file://../part\"}\n";
    s.git.write("app/Chart.yaml", chart).write("app/values.yaml", "a: chart\nb: chart\nc: chart\nd: chart\n");
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  value: {{ list .Values.a .Values.b .Values.c .Values.d .Release.Namespace | join \" \" | quote }}\n  apps: {{ .Capabilities.APIVersions.Has \"apps/v1/Deployment\" | quote }}\n";
    s.git.write("app/templates/map.yaml", map);
    let test = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: test\n  annotations:\n    helm.sh/hook: test\nspec:\n  containers: [{name: it, image: busybox}]\n";
    s.git.write("app/templates/test.yaml", test);
    s.git.write("part/Chart.yaml", "apiVersion: v2\nname: part\nversion: 1.0.0\n");
    s.git.write("part/templates/part.yaml", &setting("part", "there"));
    s.git.write("envs/eu.yaml", "b: file\nc: file\nd: file\n");
}

pub async fn a_chart_is_rendered_with_its_values(s: Story) {
    chart(&s);
    let commit = s.git.commit("A chart");
    let mut changes = automated(true, true);
    changes["spec"]["source"] = json!({ "helm": {
        "releaseName": "shop", "valueFiles": ["/envs/eu.yaml", "missing.yaml"], "ignoreMissingValueFiles": true,
        "valuesObject": { "c": "object", "d": "object" }, "parameters": [{ "name": "d", "value": "one,two" }],
    } });
    let app = s.application("chart", changes).await;
    let status = s.synced(&app, &commit).await;
    assert_eq!(status["sourceType"], "Helm");
    let expected = format!("chart file object one,two {}", s.namespace);
    assert_eq!(s.setting("shop").await, Some(expected));
    let shop = s.object("v1", "ConfigMap", "shop").await.expect("it is there");
    assert_eq!(shop["data"]["apps"], "true", "the chart is told what the cluster has");
    assert_eq!(s.setting("part").await.as_deref(), Some("there"));
    assert_eq!(s.object("v1", "Pod", "test").await, None, "tests are for Helm to run");
}

/// A newer Helm, which is in a folder `helm4` beside the programs of the PATH.
fn newer_helm() -> String {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).map(|folder| folder.join("helm4/helm")).find(|path| path.is_file());
    found.expect("it is there: see tests/cluster/build-tools").display().to_string()
}

/// Its version 4 understands what its version 3 is called with.
pub async fn a_chart_is_rendered_by_a_newer_helm(s: Story) {
    let s = s.with(Programs { helm: newer_helm(), ..Programs::default() }).await;
    chart(&s);
    let by = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: by\ndata:\n  value: {{ .Capabilities.HelmVersion.Version }}\n";
    s.git.write("app/templates/by.yaml", by);
    s.git.write("app/templates/migrate.yaml", &job("migrate", "exit 0", &json!({ "helm.sh/hook": "pre-upgrade" })));
    s.git.write("broken/Chart.yaml", "apiVersion: v2\nname: broken\nversion: 1.0.0\n");
    s.git.write("broken/templates/map.yaml", "kind: ConfigMap\n\nvalue: {{ .Values.a.b.c }}\n");
    let commit = s.git.commit("A chart");
    for (name, version) in [("empty", ""), ("three", "v3")] {
        let mut changes = automated(true, true);
        changes["metadata"] = json!({ "finalizers": ["resources-finalizer.argocd.argoproj.io"] });
        changes["spec"]["source"] = json!({ "helm": {
            "releaseName": "shop", "version": version, "valueFiles": ["/envs/eu.yaml"], "valuesObject": { "c": "object" },
            "parameters": [{ "name": "d", "value": "one,two" }],
        } });
        let app = s.application(name, changes).await;
        let status = s.synced(&app, &commit).await;
        let hook = &status["operationState"]["syncResult"]["resources"][0];
        assert_eq!((&hook["name"], &hook["hookPhase"]), (&json!("migrate"), &json!("Succeeded")));
        let expected = format!("chart file object one,two {}", s.namespace);
        assert_eq!(s.setting("shop").await, Some(expected));
        assert!(s.setting("by").await.is_some_and(|by| by.starts_with("v4.")));
        assert_eq!(s.setting("part").await.as_deref(), Some("there"));
        s.delete("argoproj.io/v1alpha1", "Application", &app).await;
        s.until_gone("argoproj.io/v1alpha1", "Application", &app).await;
    }
    let broken = s.application("broken", json!({ "spec": { "source": { "path": "broken" } } })).await;
    let message = s.condition(&broken, "ComparisonError").await;
    assert!(message.contains("helm: Error: broken/templates/map.yaml:3:17"), "{message}");
}

pub async fn a_chart_of_applications(s: Story) {
    let child = "{{ range .Values.children }}\n---\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: {{ . }}-{{ $.Release.Namespace }}\nspec:\n  project: default\n  source: {repoURL: {{ $.Values.repository | quote }}, path: {{ . }}, targetRevision: main}\n  destination: {server: https://kubernetes.default.svc, namespace: {{ $.Release.Namespace }}}\n  syncPolicy: {automated: {prune: true, selfHeal: true}}\n{{ end }}\n";
    s.git
        .write("app/Chart.yaml", "apiVersion: v2\nname: root\nversion: 1.0.0\n")
        .write("app/templates/children.yaml", child);
    s.git.write("app/values.yaml", "children: [one, two]\n");
    for (name, color) in [("one", "blue"), ("two", "red")] {
        s.git.write(&format!("{name}/kustomization.yaml"), "resources: [color.yaml]\n");
        s.git.write(&format!("{name}/color.yaml"), &setting(&format!("color-{name}"), color));
    }
    let commit = s.git.commit("An Application of Applications");
    let mut changes = automated(true, true);
    changes["spec"]["source"] = json!({ "helm": { "parameters": [{ "name": "repository", "value": s.git.url() }] } });
    let root = s.application("root", changes).await;
    s.synced(&root, &commit).await;
    for name in ["one", "two"] {
        s.synced(&format!("{name}-{}", s.namespace), &commit).await;
    }
    assert_eq!(
        (s.setting("color-one").await.as_deref(), s.setting("color-two").await.as_deref()),
        (Some("blue"), Some("red"))
    );
    // What was deleted by hand comes back; what the chart does not have any more goes, with nothing left.
    s.delete("v1", "ConfigMap", "color-one").await;
    s.until_setting("color-one", Some("blue")).await;
    s.git.write("app/values.yaml", "children: [one]\n");
    let second = s.git.commit("One child");
    s.until_gone("argoproj.io/v1alpha1", "Application", &format!("two-{}", s.namespace)).await;
    s.synced(&root, &second).await;
}

pub async fn what_a_program_cannot_render_is_named(s: Story) {
    s.git.write("good/color.yaml", &setting("color", "blue"));
    s.git.write("remote/kustomization.yaml", "resources: [\"https://example.com/color.yaml\"]\n");
    let generator = "configMapGenerator: [{name: mine, files: [/etc/passwd]}]\n";
    s.git.write("outside/kustomization.yaml", generator);
    s.git.write("missing/kustomization.yaml", "resources: [nothing.yaml]\n");
    s.git.write("broken/Chart.yaml", "apiVersion: v2\nname: broken\nversion: 1.0.0\n");
    s.git.write("broken/templates/map.yaml", "kind: ConfigMap\nvalue: {{ .Values.a.b.c }}\n");
    s.git.write("syntax/Chart.yaml", "apiVersion: v2\nname: syntax\nversion: 1.0.0\n");
    s.git.write("syntax/templates/map.yaml", "kind: ConfigMap\nvalue: {{ if }}\n");
    s.git.write("text/Chart.yaml", "apiVersion: v2\nname: text\nversion: 1.0.0\n");
    s.git.write("text/templates/map.yaml", "a: b: c\n");
    s.git.write("files/Chart.yaml", "apiVersion: v2\nname: files\nversion: 1.0.0\n");
    s.git.write("apart/Chart.yaml", "apiVersion: v2\nname: apart\nversion: 1.0.0\n");
    // Helm reads this file of any chart.
    let elsewhere = "dependencies: [{name: etc, version: 1.0.0, repository: \"file:///etc/chart\"}]\n";
    s.git.write("apart/requirements.yaml", elsewhere);
    s.git.commit("Much that is wrong");
    s.git.write("cycle/Chart.yaml", "apiVersion: v2\nname: cycle\nversion: 1.0.0\ndependencies: [{name: cycle, version: 1.0.0, repository: file://.}]\n");
    s.git.commit("And a chart that needs itself");
    let single = |path: &str| json!({ "fileParameters": [{ "name": "mine", "path": path }] });
    for (path, helm, expected) in [
        ("remote", None, "https://example.com/color.yaml"),
        ("missing", None, "nothing.yaml"),
        ("outside", None, "security; file '/etc/passwd' is not in or below"),
        ("broken", None, "broken/templates/map.yaml:2:17"),
        ("syntax", None, "helm: Error: parse error at (syntax/templates/map.yaml:2)"),
        ("text", None, "text/templates/map.yaml"),
        ("apart", None, "the chart /etc/chart is outside of the repository"),
        ("files", Some(json!({ "releaseName": "Web" })), "spec.source.helm.releaseName can be another"),
        ("files", Some(json!({ "valueFiles": ["away.yaml"] })), "there is no file away.yaml"),
        ("files", Some(json!({ "valueFiles": ["../../../etc/passwd"] })), "it is outside of the repository"),
        ("files", Some(single("../../../etc/passwd")), "it is outside of the repository"),
    ] {
        let mut changes = automated(true, true);
        changes["spec"]["source"] = json!({ "path": path });
        if let Some(helm) = helm {
            changes["spec"]["source"]["helm"] = helm;
        }
        let app = s.application(path, changes).await;
        let message = s.condition(&app, "ComparisonError").await;
        assert!(message.contains(expected), "{path}: {message}");
        let said = message.replace(&s.git.url(), "");
        assert!(!said.contains("/tmp/"), "no place of the controller's own: {path}: {message}");
        s.delete("argoproj.io/v1alpha1", "Application", &app).await;
        s.until_gone("argoproj.io/v1alpha1", "Application", &app).await;
    }
    // Helm has nothing against a chart that needs itself; what it reads is still found out in the end.
    s.application("cycle", json!({ "spec": { "source": { "path": "cycle" } } })).await;
    s.until(&format!("cycle-{}", s.namespace), "rendered", |status| status["sourceType"] == "Helm").await;
    let mut changes = automated(true, true);
    changes["spec"]["source"] = json!({ "path": "good" });
    s.application("good", changes).await;
    s.until_setting("color", Some("blue")).await;
}

pub async fn values_come_from_another_source(s: Story) {
    chart(&s);
    s.git.commit("A chart");
    let values = Repository::new();
    values.write("envs/shop.yaml", "b: elsewhere\n").write("note.txt", "a note").commit("Values");
    let mut changes = automated(true, true);
    changes["spec"]["source"] = Value::Null;
    changes["spec"]["sources"] = json!([
        { "repoURL": values.url(), "targetRevision": "main", "ref": "values" },
        { "repoURL": s.git.url(), "targetRevision": "main", "path": "app", "helm": {
            "releaseName": "shop", "valueFiles": ["$values/envs/shop.yaml"],
        } },
    ]);
    s.application("chart", changes).await;
    let value = async |expected: &str| {
        s.until_object(("v1", "ConfigMap"), "shop", |map| {
            map["data"]["value"].as_str().is_some_and(|value| value.contains(expected))
        })
        .await;
    };
    value("elsewhere").await;
    let before = s.renders();
    // What nobody reads of it makes no difference.
    values.write("note.txt", "another note");
    values.commit("A note");
    s.wait(4).await;
    assert_eq!(s.renders(), before);
    values.write("envs/shop.yaml", "b: anywhere\n").commit("Other values");
    value("anywhere").await;
}

/// To Helm a null takes a default away. The API server keeps it in what a person writes, and not in a status.
pub async fn a_value_that_is_taken_away_stays_so(s: Story) {
    chart(&s);
    let first = s.git.commit("A chart");
    let mut changes = automated(true, true);
    changes["spec"]["source"] = json!({ "helm": { "releaseName": "shop", "valuesObject": { "d": "object" } } });
    let app = s.application("chart", changes).await;
    s.synced(&app, &first).await;
    // A merge patch takes a null for an order, too.
    let patch = json!([{ "op": "add", "path": "/spec/source/helm/valuesObject/d", "value": null }]);
    s.replace("argoproj.io/v1alpha1", "Application", &app, patch).await;
    let is_gone = |map: &Value| map["data"]["value"] == format!("chart chart chart {}", s.namespace);
    s.until_object(("v1", "ConfigMap"), "shop", is_gone).await;
    s.synced(&app, &first).await;
    let version = async || s.applications().get(&app).await.expect("it is there").metadata.resource_version;
    s.wait(2).await;
    let before = version().await;
    s.wait(3).await;
    assert_eq!(version().await, before, "it is at rest");
    s.until_object(("v1", "ConfigMap"), "shop", is_gone).await;
}

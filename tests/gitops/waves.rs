//! Syncs in several steps, and what keeps objects.

use serde_json::{Value, json};

use crate::story::{Story, automated, setting};

const APPLICATION: (&str, &str) = ("argoproj.io/v1alpha1", "Application");

/// A Job with this script and these annotations, as a file has it.
pub fn job(name: &str, script: &str, annotations: &Value) -> String {
    let container = json!({ "name": "it", "image": "busybox", "command": ["sh", "-c", script] });
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": { "name": name, "annotations": annotations },
        "spec": {
            "backoffLimit": 0,
            "template": { "spec": { "restartPolicy": "Never", "containers": [container] } },
        },
    })
    .to_string()
}

/// A ConfigMap with these annotations.
pub fn marked(name: &str, value: &str, annotations: &Value) -> String {
    let metadata = json!({ "name": name, "annotations": annotations });
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": { "value": value } }).to_string()
}

fn wave(number: &str) -> Value {
    json!({ "argocd.argoproj.io/sync-wave": number })
}

pub async fn a_wave_waits_until_the_one_before_it_is_healthy(s: Story) {
    s.git.write("app/load.yaml", &job("load", "sleep 3", &json!({})));
    s.git.write("app/last.yaml", &marked("last", "yes", &wave("1")));
    s.git.write("app/first.yaml", &marked("first", "yes", &wave("-1")));
    let commit = s.git.commit("Three waves");
    let app = s.application("waves", automated(true, true)).await;
    let status = s
        .until(&app, "waiting", |status| status["operationState"]["message"].as_str().is_some_and(|it| !it.is_empty()))
        .await;
    assert_eq!(status["operationState"]["message"], "waiting for healthy state of batch/Job/load");
    assert_eq!((s.setting("first").await.as_deref(), s.setting("last").await), (Some("yes"), None));
    let status = s.synced(&app, &commit).await;
    assert_eq!(status["operationState"]["retryCount"], json!(null));
    let load = s.object("batch/v1", "Job", "load").await.expect("it is there");
    let last = s.object("v1", "ConfigMap", "last").await.expect("it is there");
    let (done, begun) = (&load["status"]["completionTime"], &last["metadata"]["creationTimestamp"]);
    assert!(done.as_str() <= begun.as_str(), "{done} is after {begun}");
    let resources = status["resources"].as_array().expect("objects");
    let last = resources.iter().find(|one| one["name"] == "last").expect("it is listed");
    assert_eq!(last["syncWave"], 1);
}

pub async fn a_newer_commit_takes_the_place_of_a_sync_that_waits(s: Story) {
    s.git.write("app/load.yaml", &job("load", "sleep 3600", &json!({})));
    s.git.write("app/last.yaml", &marked("last", "yes", &wave("1")));
    s.git.commit("It never gets there");
    let app = s.application("waves", automated(true, true)).await;
    s.until(&app, "waiting", |status| {
        status["operationState"]["message"] == "waiting for healthy state of batch/Job/load"
    })
    .await;
    s.git.remove("app/load.yaml");
    let better = s.git.commit("Without what never ends");
    s.synced(&app, &better).await;
    s.until_setting("last", Some("yes")).await;
    let history = s.status(&app).await["history"].clone();
    assert_eq!(history.as_array().map(Vec::len), Some(1), "what was ended is no version: {history}");
}

pub async fn what_asks_before_it_goes_waits_for_a_person(s: Story) {
    let asks = json!({ "argocd.argoproj.io/sync-options": "Prune=confirm" });
    s.git.write("app/color.yaml", &setting("color", "blue")).write("app/data.yaml", &marked("data", "dear", &asks));
    let first = s.git.commit("With data");
    let app = s.application("asks", automated(true, false)).await;
    s.synced(&app, &first).await;
    s.git.remove("app/data.yaml");
    let second = s.git.commit("Without data");
    let expected = "waiting for pruning confirmation of /ConfigMap/data";
    let status = s.until(&app, "asking", |status| status["operationState"]["message"] == expected).await;
    let data = status["resources"].as_array().expect("objects").iter().find(|one| one["name"] == "data").cloned();
    assert_eq!(data.expect("it is listed")["requiresDeletionConfirmation"], true);
    assert!(s.setting("data").await.is_some());
    let begun = status["operationState"]["startedAt"].clone();
    let allowed = json!({ "metadata": { "annotations": { "argocd.argoproj.io/deletion-approved": begun } } });
    s.patch(APPLICATION.0, APPLICATION.1, &app, allowed).await;
    s.until_setting("data", None).await;
    s.synced(&app, &second).await;
}

pub async fn an_application_takes_its_objects_along_in_reverse_order(s: Story) {
    s.git.write("app/first.yaml", &setting("first", "yes")).write("app/last.yaml", &marked("last", "yes", &wave("1")));
    let commit = s.git.commit("Two waves");
    let mut changes = automated(false, false);
    changes["metadata"] = json!({ "finalizers": ["resources-finalizer.argocd.argoproj.io"] });
    let app = s.application("waves", changes).await;
    s.synced(&app, &commit).await;
    let held = json!({ "metadata": { "finalizers": ["example.com/held"] } });
    s.patch("v1", "ConfigMap", "last", held).await;
    s.delete(APPLICATION.0, APPLICATION.1, &app).await;
    s.wait(4).await;
    assert!(s.setting("first").await.is_some(), "what comes before it waits until it is gone");
    s.patch("v1", "ConfigMap", "last", json!({ "metadata": { "finalizers": null } })).await;
    s.until_setting("first", None).await;
    s.until(&app, "gone", Value::is_null).await;
}

pub async fn what_cannot_be_changed_is_made_anew_where_that_is_asked_for(s: Story) {
    let force = json!({ "argocd.argoproj.io/sync-options": "Force=true" });
    s.git
        .write("app/load.yaml", &job("load", "exit 0", &force))
        .write("app/size.yaml", &marked("size", "small", &json!({})));
    let first = s.git.commit("One");
    let app = s.application("anew", automated(false, false)).await;
    s.synced(&app, &first).await;
    let uid = async |kind: (&str, &str), name: &str| {
        s.object(kind.0, kind.1, name).await.expect("it is there")["metadata"]["uid"].clone()
    };
    let (before, size) = (uid(("batch/v1", "Job"), "load").await, uid(("v1", "ConfigMap"), "size").await);
    // A Job's template is for ever. What a replacement does not name goes, whoever has put it there.
    s.patch("v1", "ConfigMap", "size", json!({ "data": { "more": "yes" } })).await;
    let replace = json!({ "argocd.argoproj.io/sync-options": "Replace=true" });
    s.git
        .write("app/load.yaml", &job("load", "sleep 0", &force))
        .write("app/size.yaml", &marked("size", "large", &replace));
    let second = s.git.commit("Another");
    let status = s.synced(&app, &second).await;
    assert_ne!(uid(("batch/v1", "Job"), "load").await, before);
    assert_eq!(uid(("v1", "ConfigMap"), "size").await, size);
    let data = s.object("v1", "ConfigMap", "size").await.expect("it is there")["data"].clone();
    assert_eq!(data, json!({ "value": "large" }));
    let results = &status["operationState"]["syncResult"]["resources"];
    let said = |name: &str| {
        let result = results.as_array().expect("results").iter().find(|one| one["name"] == name).cloned();
        result.expect("it is listed")["message"].clone()
    };
    assert_eq!((said("load"), said("size")), (json!("jobs.batch/load replaced"), json!("configmaps/size replaced")));
}

pub async fn what_somebody_else_decides_stays_as_it_is(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue"));
    let first = s.git.commit("Blue");
    let mut changes = automated(false, true);
    changes["spec"]["ignoreDifferences"] = json!([{ "kind": "ConfigMap", "jsonPointers": ["/data/value"] }]);
    changes["spec"]["syncPolicy"]["syncOptions"] = json!(["RespectIgnoreDifferences=true"]);
    let app = s.application("colors", changes).await;
    s.synced(&app, &first).await;
    s.patch("v1", "ConfigMap", "color", json!({ "data": { "value": "red" } })).await;
    let more = setting("color", "blue") + "  more: \"yes\"\n";
    s.git.write("app/color.yaml", &more);
    let second = s.git.commit("More");
    s.synced(&app, &second).await;
    let data = s.object("v1", "ConfigMap", "color").await.expect("it is there")["data"].clone();
    assert_eq!(data, json!({ "value": "red", "more": "yes" }));
}

pub async fn an_app_of_apps_waits_for_its_children(s: Story) {
    let child = |name: &str, number: &str| {
        let metadata = json!({ "name": format!("{name}-{}", s.namespace), "annotations": wave(number) });
        let spec = json!({
            "project": "default",
            "source": { "repoURL": s.git.url(), "path": name, "targetRevision": "main" },
            "destination": { "server": "https://kubernetes.default.svc", "namespace": s.namespace },
            "syncPolicy": { "automated": {} },
        });
        json!({ "apiVersion": APPLICATION.0, "kind": APPLICATION.1, "metadata": metadata, "spec": spec }).to_string()
    };
    s.git.write("app/one.yaml", &child("one", "0")).write("app/two.yaml", &child("two", "1"));
    s.git.write("one/load.yaml", &job("load", "sleep 3", &json!({}))).write("two/last.yaml", &setting("last", "yes"));
    let commit = s.git.commit("Two children");
    let root = s.application("root", automated(true, true)).await;
    let expected = format!("waiting for healthy state of argoproj.io/Application/one-{}", s.namespace);
    s.until(&root, "waiting", |status| status["operationState"]["message"] == expected.as_str()).await;
    s.synced(&root, &commit).await;
    s.synced(&format!("two-{}", s.namespace), &commit).await;
    let load = s.object("batch/v1", "Job", "load").await.expect("it is there");
    let last = s.object("v1", "ConfigMap", "last").await.expect("it is there");
    let (done, begun) = (&load["status"]["completionTime"], &last["metadata"]["creationTimestamp"]);
    assert!(done.as_str() <= begun.as_str(), "{done} is after {begun}");
}

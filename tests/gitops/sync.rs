//! Syncs that go as they should.

use kube::api::PostParams;
use serde_json::{Value, json};

use crate::story::{Story, automated, setting};

pub async fn a_commit_comes_to_the_cluster(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue")).write("other/size.yaml", &setting("size", "small"));
    let first = s.git.commit("Begin with blue");
    let app = s.application("colors", automated(false, false)).await;
    let status = s.synced(&app, &first).await;
    assert_eq!(s.setting("color").await.as_deref(), Some("blue"));
    assert_eq!(s.setting("size").await, None, "another folder is not its own");
    assert_eq!(status["operationState"]["operation"]["initiatedBy"], json!({ "automated": true }));
    assert_eq!(status["operationState"]["message"], "successfully synced (all tasks run)");
    assert_eq!(status["operationState"]["syncResult"]["resources"][0]["message"], "configmaps/color created");
    assert_eq!((&status["sourceType"], &status["health"]["status"]), (&json!("Directory"), &json!("Healthy")));
    assert_eq!(status["conditions"], json!(null));

    s.git.write("app/color.yaml", &setting("color", "green"));
    let second = s.git.commit("Go on with green");
    let status = s.synced(&app, &second).await;
    s.until_setting("color", Some("green")).await;
    let history: Vec<_> =
        status["history"].as_array().expect("a history").iter().map(|one| (&one["id"], &one["revision"])).collect();
    assert_eq!(history, [(&json!(0), &json!(first)), (&json!(1), &json!(second))]);
}

/// The objects are named in an order in which `kubectl apply -f` would fail.
pub async fn a_first_sync_of_a_namespace_with_its_contents_succeeds_at_once(s: Story) {
    let (namespace, group) = (format!("{}-new", s.namespace), format!("{}.example.com", s.namespace));
    let names = json!({ "kind": "Lamp", "plural": "lamps", "singular": "lamp" });
    let schema = json!({ "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } });
    let version = json!({ "name": "v1", "served": true, "storage": true, "schema": schema });
    let all = json!([
        { "apiVersion": format!("{group}/v1"), "kind": "Lamp", "metadata": { "name": "desk" }, "on": true },
        { "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "inside" }, "data": { "value": "yes" } },
        { "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } },
        {
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("lamps.{group}") },
            "spec": { "group": group, "names": names, "scope": "Namespaced", "versions": [version] },
        },
    ]);
    s.git.write("app/all.json", &json!({ "apiVersion": "v1", "kind": "List", "items": all }).to_string());
    let commit = s.git.commit("Everything at once");
    let mut changes = automated(false, false);
    changes["spec"]["destination"] = json!({ "namespace": namespace });
    let app = s.application("all", changes).await;
    let status = s.synced(&app, &commit).await;
    assert_eq!(status["operationState"]["retryCount"], json!(null), "it needed no second attempt");
    assert_eq!(status["operationState"]["syncResult"]["resources"].as_array().map(Vec::len), Some(4));
    assert_eq!(status["conditions"], json!(null));
}

pub async fn a_revert_in_git_rolls_back(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue"));
    s.git.commit("Blue");
    s.git.write("app/color.yaml", &setting("color", "red"));
    let red = s.git.commit("Red");
    let app = s.application("colors", automated(false, false)).await;
    s.synced(&app, &red).await;
    s.git.git(&["revert", "--no-edit", "HEAD"]);
    let reverted = s.git.git(&["rev-parse", "HEAD"]);
    s.synced(&app, &reverted).await;
    s.until_setting("color", Some("blue")).await;
}

pub async fn what_was_deleted_by_hand_comes_back(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue")).write("app/size.yaml", &setting("size", "small"));
    let commit = s.git.commit("Two settings");
    let app = s.application("colors", automated(false, true)).await;
    s.synced(&app, &commit).await;
    s.delete("v1", "ConfigMap", "color").await;
    s.until_setting("color", Some("blue")).await;
    s.patch("v1", "ConfigMap", "size", json!({ "data": { "value": "large" } })).await;
    s.until_setting("size", Some("small")).await;
    let status = s.synced(&app, &commit).await;
    assert_eq!(status["history"].as_array().map(Vec::len), Some(1), "what heals is no new version");
    let sync = &status["operationState"]["operation"]["sync"];
    assert_eq!(sync["resources"].as_array().map(Vec::len), Some(1), "only what differs is applied: {sync}");
}

pub async fn a_change_by_hand_is_only_reported_where_nobody_asked_to_heal(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue"));
    let commit = s.git.commit("Blue");
    let app = s.application("colors", automated(false, false)).await;
    s.synced(&app, &commit).await;
    s.patch("v1", "ConfigMap", "color", json!({ "data": { "value": "red" } })).await;
    let status = s.until(&app, "out of sync", |status| status["sync"]["status"] == "OutOfSync").await;
    assert_eq!(status["resources"][0]["status"], "OutOfSync");
    s.wait(3).await;
    assert_eq!(s.setting("color").await.as_deref(), Some("red"));
}

pub async fn what_git_does_not_have_any_more_goes_where_that_was_asked_for(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue")).write("app/size.yaml", &setting("size", "small"));
    let kept = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kept\n  annotations:\n    argocd.argoproj.io/sync-options: Prune=false\n";
    s.git.write("app/kept.yaml", kept);
    let first = s.git.commit("Three settings");
    let app = s.application("colors", automated(true, false)).await;
    s.synced(&app, &first).await;
    s.git.remove("app/size.yaml").remove("app/kept.yaml");
    let second = s.git.commit("One setting");
    s.until_setting("size", None).await;
    s.synced(&app, &second).await;
    assert!(s.setting("color").await.is_some());
    assert!(s.object("v1", "ConfigMap", "kept").await.is_some(), "it says that it stays");
}

pub async fn what_git_does_not_have_any_more_is_reported_where_it_was_not(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue")).write("app/size.yaml", &setting("size", "small"));
    let first = s.git.commit("Two settings");
    let app = s.application("colors", automated(false, true)).await;
    s.synced(&app, &first).await;
    s.git.remove("app/size.yaml");
    let second = s.git.commit("One setting");
    let status = s.until(&app, "at the second commit", |status| status["sync"]["revision"] == second).await;
    assert_eq!(status["sync"]["status"], "OutOfSync");
    let size = status["resources"].as_array().expect("objects").iter().find(|one| one["name"] == "size").cloned();
    assert_eq!(size.expect("size")["requiresPruning"], true);
    s.wait(3).await;
    assert!(s.setting("size").await.is_some());
}

pub async fn a_person_asks_for_a_sync(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue"));
    let commit = s.git.commit("Blue");
    let app = s.application("colors", json!({})).await;
    let status = s.until(&app, "out of sync", |status| status["sync"]["status"] == "OutOfSync").await;
    assert_eq!((&status["sync"]["revision"], &status["health"]["status"]), (&json!(commit), &json!("Missing")));
    assert_eq!(s.setting("color").await, None, "nobody has asked");
    let asked = json!({ "operation": { "initiatedBy": { "username": "eve" }, "sync": { "prune": true } } });
    s.patch("argoproj.io/v1alpha1", "Application", &app, asked).await;
    let status = s.synced(&app, &commit).await;
    assert_eq!(s.setting("color").await.as_deref(), Some("blue"));
    assert_eq!(status["history"][0]["initiatedBy"]["username"], "eve");
    let application = s.object("argoproj.io/v1alpha1", "Application", &app).await.expect("it is there");
    assert_eq!(application["operation"], json!(null), "what was asked for is done");
}

pub async fn a_tag_stays_where_it_is(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue"));
    let tagged = s.git.commit("Blue");
    s.git.git(&["tag", "--annotate", "v1.0", "--message", "The first one"]);
    s.git.write("app/color.yaml", &setting("color", "red"));
    let newer = s.git.commit("Red");
    let mut changes = automated(false, false);
    changes["spec"]["source"] = json!({ "targetRevision": "v1.0" });
    let app = s.application("colors", changes).await;
    s.synced(&app, &tagged).await;
    assert_eq!(s.setting("color").await.as_deref(), Some("blue"));
    // A commit can be named, too.
    let change = json!({ "spec": { "source": { "targetRevision": newer } } });
    s.patch("argoproj.io/v1alpha1", "Application", &app, change).await;
    s.synced(&app, &newer).await;
    s.until_setting("color", Some("red")).await;
}

pub async fn differences_can_be_ignored(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue"));
    let commit = s.git.commit("Blue");
    let mut changes = automated(false, true);
    changes["spec"]["ignoreDifferences"] = json!([{ "kind": "ConfigMap", "jsonPointers": ["/data/value"] }]);
    let app = s.application("colors", changes).await;
    s.synced(&app, &commit).await;
    s.patch("v1", "ConfigMap", "color", json!({ "data": { "value": "red" } })).await;
    s.wait(3).await;
    assert_eq!(s.setting("color").await.as_deref(), Some("red"));
    assert_eq!(s.status(&app).await["sync"]["status"], "Synced");
}

pub async fn an_application_takes_its_objects_along_when_it_goes(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue"));
    let commit = s.git.commit("Blue");
    let mut changes = automated(false, false);
    changes["metadata"] = json!({ "finalizers": ["resources-finalizer.argocd.argoproj.io"] });
    let app = s.application("colors", changes).await;
    s.synced(&app, &commit).await;
    s.delete("argoproj.io/v1alpha1", "Application", &app).await;
    s.until_setting("color", None).await;
    s.until(&app, "gone", serde_json::Value::is_null).await;
}

pub async fn nothing_is_written_while_nothing_changes(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue"));
    let commit = s.git.commit("Blue");
    let app = s.application("colors", automated(true, true)).await;
    s.synced(&app, &commit).await;
    let version = async || {
        let application = s.object("argoproj.io/v1alpha1", "Application", &app).await.expect("it is there");
        let color = s.object("v1", "ConfigMap", "color").await.expect("it is there");
        [application, color].map(|it| it["metadata"]["resourceVersion"].as_str().expect("a version").to_owned())
    };
    let before = version().await;
    s.wait(4).await;
    assert_eq!(version().await, before, "four polls later");
}

pub async fn what_another_application_has_is_told(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue"));
    let commit = s.git.commit("Blue");
    let first = s.application("first", automated(false, false)).await;
    s.synced(&first, &commit).await;
    let second = s.application("second", json!({})).await;
    let message = s.condition(&second, "SharedResourceWarning").await;
    assert_eq!(message, format!("/ConfigMap/color is part of applications {second} and {first}"));
}

pub async fn the_example_is_good_for_a_start(s: Story) {
    let text = include_str!("../../examples/gitops/application.yaml");
    let example: Value = serde_saphyr::from_str(text).expect("YAML");
    s.git.write("deploy/color.yaml", &setting("color", "blue"));
    let commit = s.git.commit("Blue");
    let mut changes =
        json!({ "metadata": { "finalizers": example["metadata"]["finalizers"] }, "spec": example["spec"] });
    changes["spec"]["source"]["repoURL"] = s.git.url().into();
    changes["spec"]["destination"]["namespace"] = format!("{}-colors", s.namespace).into();
    let app = s.application("colors", changes).await;
    let status = s.synced(&app, &commit).await;
    assert_eq!(status["conditions"], json!(null));
    let resources = &status["operationState"]["syncResult"]["resources"];
    assert_eq!(resources[0]["message"], format!("namespace/{}-colors created", s.namespace));
}

pub async fn what_kubectl_has_applied_is_taken_over_field_by_field(s: Story) {
    let two = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: color\ndata:\n  value: blue\n  more: red\n";
    let object: Value = serde_saphyr::from_str(two).expect("YAML");
    let params = PostParams { field_manager: Some("kubectl-client-side-apply".to_owned()), ..PostParams::default() };
    let object = serde_json::from_value(object).expect("an object");
    s.api("v1", "ConfigMap").create(&params, &object).await.expect("it is accepted");
    s.git.write("app/color.yaml", two);
    let first = s.git.commit("As it is");
    let app = s.application("colors", automated(false, false)).await;
    s.synced(&app, &first).await;
    s.git.write("app/color.yaml", &setting("color", "blue"));
    let second = s.git.commit("Without more");
    s.synced(&app, &second).await;
    let color = s.object("v1", "ConfigMap", "color").await.expect("it is there");
    assert_eq!(color["data"], json!({ "value": "blue" }), "Git does not have it any more");
}

pub async fn a_sync_can_be_asked_to_make_the_namespace(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue"));
    let commit = s.git.commit("Blue");
    let destination = json!({ "namespace": format!("{}-made", s.namespace) });
    let app = s.application("colors", json!({ "spec": { "destination": destination } })).await;
    let message = s.condition(&app, "ComparisonError").await;
    assert!(message.contains("not found"), "{message}");
    let asked = json!({ "operation": { "sync": { "syncOptions": ["CreateNamespace=true"] } } });
    s.patch("argoproj.io/v1alpha1", "Application", &app, asked).await;
    s.synced(&app, &commit).await;
}

pub async fn a_sync_that_a_person_asks_for_is_of_the_newest_commit(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue"));
    let first = s.git.commit("Blue");
    let app = s.application("colors", json!({})).await;
    s.until(&app, "compared", |status| status["sync"]["revision"] == first.as_str()).await;
    s.git.write("app/color.yaml", &setting("color", "red"));
    let second = s.git.commit("Red");
    let sync = json!({ "operation": { "initiatedBy": { "username": "jo" }, "sync": {} } });
    s.patch("argoproj.io/v1alpha1", "Application", &app, sync).await;
    s.synced(&app, &second).await;
    assert_eq!(s.setting("color").await.as_deref(), Some("red"));
}

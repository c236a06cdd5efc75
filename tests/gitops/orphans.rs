//! Orphans: objects in an Application's namespace that no Application has.

use serde_json::{Value, json};

use crate::story::{Story, automated, setting};

async fn by_hand(s: &Story, name: &str) {
    s.create(
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": s.namespace } }),
    )
    .await;
}

fn warning(status: &Value) -> Option<&str> {
    let all = status["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().find(|one| one["type"] == "OrphanedResourceWarning")?["message"].as_str()
}

pub async fn what_no_application_has_is_told_where_the_project_asks(s: Story) {
    s.create(json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
        "metadata": { "name": "team", "namespace": s.namespace },
        "spec": {
            "sourceRepos": ["*"], "destinations": [{ "server": "*", "namespace": "*" }],
            "orphanedResources": { "ignore": [{ "kind": "ConfigMap", "name": "cache-*" }] },
        },
    }))
    .await;
    for name in ["left", "behind", "cache-1"] {
        by_hand(&s, name).await;
    }
    s.git.write("app/color.yaml", &setting("color", "blue"));
    let commit = s.git.commit("Blue");
    let mut of_team = automated(true, true);
    of_team["spec"]["project"] = "team".into();
    let app = s.application("colors", of_team.clone()).await;
    s.synced(&app, &commit).await;
    let message = s.condition(&app, "OrphanedResourceWarning").await;
    assert_eq!(message, "Application has 2 orphaned resources: /ConfigMap/behind; /ConfigMap/left");

    // What another Application has is nobody's orphan.
    s.git.write("other/left.yaml", &setting("left", "yes"));
    s.git.commit("What was left belongs to somebody");
    of_team["spec"]["source"]["path"] = "other".into();
    s.application("other", of_team).await;
    let one = "Application has 1 orphaned resources: /ConfigMap/behind";
    s.until(&app, "told of one", |status| warning(status) == Some(one)).await;

    let version = async || {
        let application = s.object("argoproj.io/v1alpha1", "Application", &app).await.expect("it is there");
        application["metadata"]["resourceVersion"].as_str().expect("a version").to_owned()
    };
    let before = version().await;
    s.wait(4).await;
    assert_eq!(version().await, before, "four polls later");

    let change = async |orphaned: Value| {
        s.patch("argoproj.io/v1alpha1", "AppProject", "team", json!({ "spec": { "orphanedResources": orphaned } }))
            .await;
    };
    change(json!({ "warn": false })).await;
    s.until(&app, "without a warning", |status| warning(status).is_none()).await;
    change(json!({ "warn": true })).await;
    s.until(&app, "told of one", |status| warning(status) == Some(one)).await;
    s.delete("v1", "ConfigMap", "behind").await;
    s.until(&app, "without a warning", |status| warning(status).is_none()).await;
}

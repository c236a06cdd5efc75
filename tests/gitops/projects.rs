//! AppProjects: what Applications may do.

use serde_json::{Value, json};

use crate::story::{Story, automated, setting};

async fn project(s: &Story, name: &str, spec: Value) {
    let object = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
        "metadata": { "name": name, "namespace": s.namespace }, "spec": spec,
    });
    s.create(object).await;
}

async fn change(s: &Story, name: &str, spec: Value) {
    s.patch("argoproj.io/v1alpha1", "AppProject", name, json!({ "spec": spec })).await;
}

fn of(project: &str, mut changes: Value) -> Value {
    changes["spec"]["project"] = project.into();
    changes
}

pub async fn a_project_says_which_repositories_places_and_kinds_are_allowed(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue"));
    let commit = s.git.commit("A color");
    let app = s.application("colors", of("team", automated(true, true))).await;
    let message = s.condition(&app, "InvalidSpecError").await;
    assert_eq!(message, "Application referencing project team which does not exist");

    // A project has to say what is allowed: one that says nothing allows nothing.
    project(&s, "team", json!({ "sourceRepos": ["https://git.example.com/*"] })).await;
    let both = |status: &Value| status["conditions"].as_array().map(Vec::len) == Some(2);
    let status = s.until(&app, "told what is wrong", both).await;
    let messages: Vec<&str> = (0..2).filter_map(|index| status["conditions"][index]["message"].as_str()).collect();
    assert!(messages[0].contains("is not permitted in project 'team'"), "{messages:?}");
    assert!(messages[1].contains("do not match any of the allowed destinations"), "{messages:?}");

    let here = json!([{ "server": "https://kubernetes.default.svc", "namespace": s.namespace }]);
    let nothing = json!([{ "group": "apps", "kind": "*" }]);
    change(&s, "team", json!({ "sourceRepos": ["*"], "destinations": here, "namespaceResourceWhitelist": nothing }))
        .await;
    let message = s.condition(&app, "ComparisonError").await;
    assert!(message.contains("(color.yaml): resource :ConfigMap is not permitted in project team"), "{message}");
    assert_eq!(s.setting("color").await, None);

    change(&s, "team", json!({ "namespaceResourceWhitelist": null })).await;
    let status = s.synced(&app, &commit).await;
    assert_eq!((s.setting("color").await.as_deref(), &status["conditions"]), (Some("blue"), &json!(null)));
}

pub async fn what_a_project_does_not_permit_stays_where_it_is(s: Story) {
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: robot\n";
    s.git.write("app/color.yaml", &setting("color", "blue")).write("app/robot.yaml", account);
    let first = s.git.commit("A color and an account");
    let here = json!([{ "server": "*", "namespace": s.namespace }]);
    project(&s, "team", json!({ "sourceRepos": ["*"], "destinations": here })).await;
    let app = s.application("colors", of("team", automated(true, true))).await;
    s.synced(&app, &first).await;

    change(&s, "team", json!({ "namespaceResourceBlacklist": [{ "group": "", "kind": "ServiceAccount" }] })).await;
    s.git.remove("app/robot.yaml").write("app/color.yaml", &setting("color", "red"));
    let second = s.git.commit("No account any more");
    let status = s.synced(&app, &second).await;
    assert!(s.object("v1", "ServiceAccount", "robot").await.is_some(), "it is none of its business any more");
    assert_eq!(status["resources"].as_array().map(Vec::len), Some(1));
}

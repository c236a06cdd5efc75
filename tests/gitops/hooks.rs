//! Hooks: Jobs that a sync runs.

use serde_json::{Value, json};

use crate::story::{Story, automated, setting};
use crate::waves::job;

const APPLICATION: (&str, &str) = ("argoproj.io/v1alpha1", "Application");

fn hook(phases: &str, policy: &str) -> Value {
    json!({ "argocd.argoproj.io/hook": phases, "argocd.argoproj.io/hook-delete-policy": policy })
}

fn phases(status: &Value) -> Vec<String> {
    let results = status["operationState"]["syncResult"]["resources"].as_array().cloned().unwrap_or_default();
    let text = |result: &Value, field: &str| result[field].as_str().unwrap_or_default().to_owned();
    let phase = |result: &Value| [text(result, "syncPhase"), text(result, "name"), text(result, "hookPhase")].join(" ");
    results.iter().map(phase).collect()
}

pub async fn hooks_run_before_and_after_what_is_applied(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue"));
    s.git.write("app/migrate.yaml", &job("migrate", "sleep 1", &hook("PreSync", "BeforeHookCreation")));
    s.git.write("app/smoke.yaml", &job("smoke", "exit 0", &json!({ "helm.sh/hook": "post-install,post-upgrade" })));
    s.git.write("app/tidy.yaml", &job("tidy", "exit 0", &hook("PostSync", "HookSucceeded")));
    let first = s.git.commit("With hooks");
    let app = s.application("hooks", automated(true, true)).await;
    let status = s.synced(&app, &first).await;
    let expected =
        ["PreSync migrate Succeeded", "Sync color Succeeded", "PostSync smoke Succeeded", "PostSync tidy Succeeded"];
    assert_eq!(phases(&status), expected);
    assert_eq!(status["operationState"]["message"], "successfully synced (no more tasks)");
    let migrate = async || s.object("batch/v1", "Job", "migrate").await.expect("it is there");
    let color = s.object("v1", "ConfigMap", "color").await.expect("it is there");
    let first_run = migrate().await;
    let (done, applied) = (&first_run["status"]["completionTime"], &color["metadata"]["creationTimestamp"]);
    assert!(done.as_str() <= applied.as_str(), "{done} is after {applied}");
    s.until_gone("batch/v1", "Job", "tidy").await;
    // Hooks run once for a commit; what is taken back in the cluster is no commit.
    s.patch("v1", "ConfigMap", "color", json!({ "data": { "value": "red" } })).await;
    s.until_setting("color", Some("blue")).await;
    assert_eq!(migrate().await["metadata"]["uid"], first_run["metadata"]["uid"]);
    assert_eq!(migrate().await["metadata"]["finalizers"], json!(null), "nothing keeps what is over");
    s.git.write("app/color.yaml", &setting("color", "green"));
    let second = s.git.commit("Green");
    let status = s.synced(&app, &second).await;
    assert_eq!(phases(&status), expected);
    assert_ne!(migrate().await["metadata"]["uid"], first_run["metadata"]["uid"], "the old one made room");
}

pub async fn a_hook_that_fails_keeps_everything_from_being_applied(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue"));
    s.git.write("app/migrate.yaml", &job("migrate", "echo no such table; exit 3", &hook("PreSync", "HookSucceeded")));
    s.git.write("app/undo.yaml", &job("undo", "exit 0", &hook("SyncFail", "HookSucceeded")));
    s.git.commit("It does not work");
    let app = s.application("hooks", json!({})).await;
    s.until(&app, "out of sync", |status| status["sync"]["status"] == "OutOfSync").await;
    s.patch(APPLICATION.0, APPLICATION.1, &app, json!({ "operation": { "sync": {} } })).await;
    let status = s.until(&app, "over", |status| status["operationState"]["phase"] == "Failed").await;
    assert_eq!(phases(&status), ["PreSync migrate Failed", "SyncFail undo Succeeded"]);
    let message = status["operationState"]["message"].as_str().expect("a message");
    assert!(message.contains("reason: Job/migrate: Job has reached the specified backoff limit"), "{message}");
    assert_eq!(s.setting("color").await, None);
    assert!(s.object("batch/v1", "Job", "migrate").await.is_some(), "one can look at what has failed");
    s.until_gone("batch/v1", "Job", "undo").await;
}

pub async fn a_sync_that_is_ended_ends_its_hooks(s: Story) {
    s.git.write("app/migrate.yaml", &job("migrate", "sleep 3600", &hook("PreSync", "HookSucceeded")));
    s.git.write("app/color.yaml", &setting("color", "blue"));
    s.git.commit("It takes long");
    let app = s.application("hooks", automated(false, false)).await;
    let expected = "waiting for completion of hook batch/Job/migrate";
    s.until(&app, "waiting", |status| status["operationState"]["message"] == expected).await;
    let end = json!({ "status": { "operationState": { "phase": "Terminating" } } });
    s.patch(APPLICATION.0, APPLICATION.1, &app, end).await;
    let status = s.until(&app, "over", |status| status["operationState"]["phase"] == "Failed").await;
    assert_eq!(status["operationState"]["message"], "Operation terminated");
    s.until_gone("batch/v1", "Job", "migrate").await;
    assert_eq!(s.setting("color").await, None);
}

pub async fn a_hook_that_cannot_be_created_is_found_before_anything_is_done(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue"));
    let broken = job("smoke", "exit 0", &hook("PostSync", "HookSucceeded")).replace("\"Never\"", "\"Sometimes\"");
    s.git.write("app/smoke.yaml", &broken);
    s.git.commit("A hook that is wrong");
    let app = s.application("hooks", json!({})).await;
    s.until(&app, "out of sync", |status| status["sync"]["status"] == "OutOfSync").await;
    s.patch(APPLICATION.0, APPLICATION.1, &app, json!({ "operation": { "sync": {} } })).await;
    let status = s.until(&app, "over", |status| status["operationState"]["phase"] == "Failed").await;
    assert_eq!(status["operationState"]["message"], "one or more objects failed to apply (dry run)");
    let result = &status["operationState"]["syncResult"]["resources"][0];
    assert_eq!((&result["name"], &result["hookType"]), (&json!("smoke"), &json!("PostSync")));
    assert!(result["message"].as_str().is_some_and(|message| message.contains("Sometimes")), "{result}");
    assert_eq!(s.setting("color").await, None);
}

pub async fn hooks_run_before_an_application_goes_and_after_its_objects_have(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue"));
    s.git.write("app/farewell.yaml", &job("farewell", "sleep 2", &hook("PreDelete", "HookSucceeded")));
    let tidy = job("tidy", "exit 0", &json!({ "helm.sh/hook": "post-delete" }));
    let mut tidy: Value = serde_json::from_str(&tidy).expect("JSON");
    tidy["metadata"]["name"] = Value::Null;
    tidy["metadata"]["generateName"] = "tidy-".into();
    s.git.write("app/tidy.yaml", &tidy.to_string());
    let commit = s.git.commit("With an end");
    let mut changes = automated(true, true);
    changes["metadata"] = json!({ "finalizers": ["resources-finalizer.argocd.argoproj.io"] });
    let app = s.application("ends", changes).await;
    s.synced(&app, &commit).await;
    s.delete(APPLICATION.0, APPLICATION.1, &app).await;
    let farewell = ("batch/v1", "Job");
    s.until_object(farewell, "farewell", |job| job["status"]["active"] == 1 || job["status"]["succeeded"] == 1).await;
    assert!(s.setting("color").await.is_some(), "it goes when the hook is over");
    s.until(&app, "gone", Value::is_null).await;
    assert_eq!(s.setting("color").await, None);
    let jobs = s.api(farewell.0, farewell.1).list(&kube::api::ListParams::default()).await.expect("Jobs").items;
    let [tidy] = jobs.as_slice() else { panic!("one Job is left, which nobody deletes: {jobs:#?}") };
    let tidy = serde_json::to_value(tidy).expect("a Job");
    assert!(tidy["metadata"]["name"].as_str().is_some_and(|name| name.contains("-postdelete-")), "{tidy:#}");
    assert_eq!((&tidy["status"]["succeeded"], &tidy["metadata"]["finalizers"]), (&json!(1), &json!(null)));
}

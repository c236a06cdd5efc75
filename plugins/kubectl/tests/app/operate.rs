//! Operations that take their time, fail, or are ended.

use serde_json::{Value, json};

use crate::stage::{APPLICATION, SETTING, Stage, setting};

/// A Job that runs before everything else.
fn hook(script: &str) -> Value {
    let container = json!({"name": "it", "image": "busybox", "command": ["sh", "-c", script]});
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "migrate", "annotations": {"argocd.argoproj.io/hook": "PreSync"}},
        "spec": {"backoffLimit": 0, "template": {"spec": {"restartPolicy": "Never", "containers": [container]}}},
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_that_waits_says_for_what_and_can_be_ended() {
    let stage = Stage::new().await;
    stage.write("color.yaml", &setting("color", "blue")).write("migrate.yaml", &hook("sleep 3600")).commit("One");
    stage.create("colors", "").await;
    stage.refuses("terminate-op colors", "no operation is in progress\n").await;
    stage.says("sync colors --async --prune", "operation of application 'colors' requested\n").await;
    let waits = "Waiting:         waiting for completion of hook batch/Job/migrate\n";
    let page = stage.comes_to_say("get colors", waits).await;
    assert!(page.contains("batch  Job        gitops     migrate  Running"), "{page}");
    let taken = "cannot sync application 'colors': another operation is already in progress\nSee what it waits for: ";
    stage.refuses("sync colors", taken).await;
    let open = "its operation goes on: waiting for completion of hook batch/Job/migrate\n";
    stage.refuses("wait colors --operation --timeout 1", open).await;
    stage.says("terminate-op colors", "operation of application 'colors' is being terminated\n").await;
    stage.does("wait colors --operation --timeout 60").await;
    stage.says("get colors", "Message:         Operation terminated\n").await;
    stage.refuses("terminate-op colors", "no operation is in progress\n").await;
    assert_eq!(stage.object(SETTING, "color").await, Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_that_fails_or_takes_too_long_is_no_success() {
    let stage = Stage::new().await;
    stage.write("color.yaml", &setting("color", "blue")).write("migrate.yaml", &hook("exit 3")).commit("One");
    stage.create("colors", "").await;
    let printed = stage.refuses("sync colors --timeout 60", "has completed with phase Failed: ").await;
    assert!(printed.contains("Phase:           ✖ Failed\n"), "{printed}");
    stage.write("migrate.yaml", &hook("sleep 3600")).commit("Two");
    stage.refuses("sync colors --timeout 2", "timed out after 2s waiting for application 'colors'").await;
    stage.comes_to_say("get colors", "waiting for completion of hook batch/Job/migrate\n").await;
    stage.does("terminate-op colors").await;
    stage.does("wait colors --operation --timeout 60").await;
    // Without hooks there is nothing to wait for.
    stage.says("sync colors --strategy apply --timeout 60", "✔ Succeeded").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_is_about_what_one_says() {
    let stage = Stage::new().await;
    stage.write("color.yaml", &setting("color", "blue")).write("shape.yaml", &setting("shape", "round")).commit("One");
    stage.create("colors", "").await;
    let printed = stage.says("sync colors --dry-run --timeout 60", "Operation:       Sync (dry run)\n").await;
    assert!(printed.contains("successfully synced (dry run)"), "{printed}");
    assert_eq!(stage.object(SETTING, "color").await, Value::Null);
    stage.says("sync colors --resource :ConfigMap:col* --timeout 60", "Sync (one object)\n").await;
    let there = [stage.object(SETTING, "color").await, stage.object(SETTING, "shape").await];
    assert!(there[0].is_object() && there[1].is_null(), "{there:?}");
    stage.refuses("sync colors --resource *:Secret:*", "no object of it is what --resource describes\n").await;
    stage.says("wait colors --resource :ConfigMap:color --timeout 60", "color").await;
    stage.refuses("wait colors --sync --timeout 1", "it is OutOfSync, not Synced\n").await;
    stage.does("sync colors --timeout 60").await;
    stage.write("shape.yaml", &Value::Null).commit("Without a shape");
    let left = "1 object requires pruning: Git does not have it any more\nLet it go: kubectl sluice app sync colors";
    stage.refuses("sync colors --timeout 60", left).await;
    stage.does("sync colors --prune --timeout 60").await;
    assert_eq!(stage.object(SETTING, "shape").await, Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_asks_before_it_goes_waits_for_a_confirmation() {
    let stage = Stage::new().await;
    let mut dear = setting("data", "dear");
    dear["metadata"]["annotations"] = json!({"argocd.argoproj.io/sync-options": "Prune=confirm"});
    stage.write("color.yaml", &setting("color", "blue")).write("data.yaml", &dear).commit("One");
    stage.create("colors", "").await;
    stage.does("sync colors --timeout 60").await;
    stage.write("data.yaml", &Value::Null).commit("Two");
    stage.does("sync colors --prune --async").await;
    stage.comes_to_say("get colors", "waiting for pruning confirmation of /ConfigMap/data\n").await;
    stage.says("confirm-deletion colors", "deletion of objects of application 'colors' confirmed\n").await;
    stage.does("wait colors --timeout 60").await;
    assert_eq!(stage.object(SETTING, "data").await, Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_controller_is_at_work_one_hears_of_it() {
    let stage = Stage::idle().await;
    stage.commit("Nothing");
    stage.create("colors", "").await;
    stage
        .refuses("get colors --refresh --timeout 1", "no controller has looked at it\nIs the controller running")
        .await;
    stage.refuses("sync colors --timeout 1", "timed out after 1s waiting for application 'colors'").await;
    stage.says("get colors", "Phase:           ॥ asked for, and no controller has begun it\n").await;
    stage.refuses("sync colors", "another operation is already in progress\n").await;
    stage.refuses("terminate-op colors", "its operation has not begun; only one that runs can be ended\n").await;
    stage.patch(APPLICATION, "colors", json!({"operation": null})).await;
    stage.does("wait colors --operation --timeout 60").await;
}

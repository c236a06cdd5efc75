//! An Application from its beginning to its end.

use serde_json::{Value, json};

use crate::stage::{APPLICATION, HOME, SETTING, Stage, setting};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_is_created_synced_rolled_back_and_deleted() {
    let stage = Stage::new().await;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "data": {"password": "aHVudGVyMg=="},
    });
    let first = stage.write("color.yaml", &setting("color", "blue")).write("login.yaml", &secret).commit("Blue");
    stage.create("colors", "--set-finalizer -l team=a").await;
    stage.says("wait colors --operation --timeout 60", "colors").await;
    let short = &first[..7];
    let page = stage.says("get colors --refresh", "Sync Policy:     Manual\n").await;
    assert!(page.contains(&format!("Sync Status:     ⚠ OutOfSync from main ({short})\n")), "{page}");
    assert!(page.contains("ConfigMap  gitops     color  OutOfSync  Missing"), "{page}");

    let printed = stage.says("sync colors --timeout 60 --info why=because", "Phase:           ✔ Succeeded\n").await;
    for expected in [
        "TIMESTAMP  ",
        &format!("argoproj.io  Application  {HOME}     colors  Synced"),
        &format!("Sync Status:     ✔ Synced to main ({short})\n"),
        "Health Status:   ✔ Healthy\n",
        "Message:         successfully synced (all tasks run)\n",
        "Initiated By:    admin\n",
        "ConfigMap  gitops     color  Synced",
        "configmaps/color",
    ] {
        assert!(printed.contains(expected), "{expected:?} is not in\n{printed}");
    }
    stage.says("get colors --show-operation", "Info:            why = because\n").await;
    assert_eq!(stage.object(SETTING, "color").await["data"]["value"], "blue");
    stage.does("wait colors --timeout 60").await;

    let list = stage.says("list -l team=a -o wide", "Manual      <none>      file://").await;
    assert!(list.contains("colors  in-cluster  gitops     default  Synced  Healthy"), "{list}");
    assert_eq!(stage.does("list -o name").await, "gitops/colors\n");
    assert_eq!(stage.does("list -p other").await, "No applications found in gitops namespace.\n");
    let all: Value = serde_json::from_str(&stage.does("list -A -o json").await).expect("JSON");
    assert_eq!((&all[0]["metadata"]["name"], &all[0]["metadata"]["managedFields"]), (&json!("colors"), &Value::Null));

    let manifests = stage.says("manifests colors --source live", "password: ++++++++\n").await;
    assert!(manifests.contains("value: blue\n") && !manifests.contains("aHVudGVyMg"), "{manifests}");

    let second = stage.write("color.yaml", &setting("color", "green")).commit("Green");
    stage.says("get colors --hard-refresh", &format!("OutOfSync from main ({})\n", &second[..7])).await;
    stage.says("sync colors --timeout 60", "Succeeded").await;
    assert_eq!(stage.object(SETTING, "color").await["data"]["value"], "green");
    assert_eq!(stage.does("history colors -o id").await, "0\n1\n");
    stage.says("history colors", &format!("main ({short})  admin\n")).await;

    stage.refuses("rollback colors 7", "its history has no entry 7; there are: 0, 1\n").await;
    stage.says("rollback colors --timeout 60", &format!("Sync Revision:   {first}\n")).await;
    assert_eq!(stage.object(SETTING, "color").await["data"]["value"], "blue");
    stage.says("history colors", "2   ").await;

    stage.refuses("delete colors", "nobody can be asked whether that is meant\nSay so with --yes.\n").await;
    stage.says("delete colors -y --wait --timeout 60", "application 'colors' is gone\n").await;
    assert_eq!(stage.object(SETTING, "color").await, Value::Null);
    stage.says("wait colors --delete", "application 'colors' is gone\n").await;
    let missing =
        "Error: applications.argoproj.io \"colors\" not found\nSee which there are: kubectl sluice app list -n gitops";
    stage.refuses("get colors", missing).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_stay_behind_where_that_is_asked_for() {
    let stage = Stage::new().await;
    stage.write("color.yaml", &setting("color", "blue")).commit("Blue");
    stage.create("colors", "--set-finalizer --sync-policy auto -l team=a").await;
    stage.does("wait -l team=a --timeout 60").await;
    stage.refuses("rollback colors", "rollback cannot be performed when auto-sync is enabled\n").await;
    stage.refuses("sync colors --revision v2", "cannot sync to v2: auto-sync currently set to main\n").await;
    stage.says("delete -l team=a -y --cascade=false --wait --timeout 60", "application 'colors' deleted\n").await;
    assert_eq!(stage.object(SETTING, "color").await["data"]["value"], "blue");
    stage.refuses("delete -l team=a -y", "no applications with the labels team=a in namespace gitops\n").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_is_only_changed_where_that_is_asked_for() {
    let stage = Stage::idle().await;
    let printed = stage
        .does("create web --repo https://git.example.com/a.git --path a --dest-name in-cluster --dry-run -o yaml")
        .await;
    assert!(printed.contains("  name: web\n  namespace: gitops\n"), "{printed}");
    assert_eq!(stage.object(APPLICATION, "web").await, Value::Null);
    stage.file("app.yaml", &printed);
    stage.says("create -f app.yaml", "application 'web' created\n").await;
    stage.says("create -f app.yaml", "application 'web' unchanged\n").await;
    stage.refuses("create -f app.yaml --revision v2", "existing application spec is different; use upsert flag").await;
    stage.says("create -f app.yaml --revision v2 --upsert", "application 'web' updated\n").await;
    assert_eq!(stage.object(APPLICATION, "web").await["spec"]["source"]["targetRevision"], "v2");
    stage
        .refuses("create other --repo https://git.example.com/a.git --path a", "give --dest-server or --dest-name")
        .await;
    let elsewhere = "the namespace from the provided object \"gitops\" does not match the namespace \"other\"";
    stage.refuses("create -f app.yaml -N other", elsewhere).await;
    // What was printed of it makes it again.
    let stored = stage.does("get web -o yaml").await;
    stage.says("delete web -y --cascade=false --wait", "is gone\n").await;
    stage.file("stored.yaml", &stored);
    assert_eq!(stage.does("create -f stored.yaml -o name").await, "gitops/web\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_that_makes_no_sense_does_not_hide_the_others() {
    let stage = Stage::bare().await;
    let printed = stage.refuses("list", "the server does not know the resource\n").await;
    assert!(printed.contains("sluice crds --gitops | kubectl apply --server-side -f -\n"), "{printed}");
    let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    stage.define(&open).await;
    stage.put(json!({"metadata": {"name": "bad"}, "spec": {"destination": 1, "project": "\u{1b}[2J"}})).await;
    stage.put(json!({"metadata": {"name": "good"}, "spec": {"destination": {}, "project": "\u{1b}[2J"}})).await;
    let printed = stage.says("list", "good  ").await;
    assert!(printed.contains("Warning: cannot read application gitops/bad: "), "{printed}");
    assert!(!printed.contains('\u{1b}'), "{printed:?}");
    stage.refuses("get bad", "Error: cannot read application 'bad': ").await;
}

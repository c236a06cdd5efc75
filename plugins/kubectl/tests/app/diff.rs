//! Looking at what a sync would do, before it does it.

use serde_json::{Value, json};

use crate::stage::{APPLICATION, SETTING, Stage, setting};

/// A Secret with one value.
fn secret(value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "data": {"password": value}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_sync_would_change_is_shown_and_nothing_is_written() {
    let stage = Stage::new().await;
    let mut hook = setting("hook", "run");
    hook["metadata"]["annotations"] = json!({"argocd.argoproj.io/hook": "PreSync"});
    stage.write("hook.yaml", &hook);
    let first = stage.write("color.yaml", &setting("color", "blue")).write("login.yaml", &secret("b25l")).commit("One");
    stage.create("colors", "").await;
    stage.does("wait colors --operation --timeout 60").await;
    let before = stage.object(APPLICATION, "colors").await;
    let printed = stage.ends(1, "diff colors").await;
    for expected in [
        "===== /ConfigMap gitops/color ======\n--- live\n+++ target\n@@ -0,0 +1,",
        "+  value: blue\n",
        "+    argocd.argoproj.io/tracking-id: colors:/ConfigMap:gitops/color\n",
        "===== /Secret gitops/login ======\n",
        "+  password: ++++++++\n",
    ] {
        assert!(printed.contains(expected), "{expected:?} is not in\n{printed}");
    }
    assert!(!printed.contains("gitops/hook") && !printed.contains("b25l"), "{printed}");
    assert_eq!(stage.object(SETTING, "color").await, Value::Null);
    assert_eq!(stage.object(APPLICATION, "colors").await, before);

    stage.does("sync colors --timeout 60").await;
    assert_eq!(stage.ends(0, "diff colors").await, "");
    stage.write("color.yaml", &setting("color", "green")).write("login.yaml", &secret("dHdv"));
    stage.write("shape.yaml", &setting("shape", "round")).commit("Two");
    let printed = stage.ends(1, "diff colors").await;
    for expected in ["-  value: blue\n+  value: green\n", "-  password: ++++++++\n+  password: ++++++++++++\n", "shape"]
    {
        assert!(printed.contains(expected), "{expected:?} is not in\n{printed}");
    }
    assert!(!printed.contains("resourceVersion") && !printed.contains("managedFields"), "{printed}");
    assert_eq!(stage.ends(0, &format!("diff colors --revision {first}")).await, "");
    stage.ends(0, "diff colors --exit-code=false").await;
    stage.ends(7, "diff colors --diff-exit-code 7 --refresh").await;
    let (code, printed) = stage.run_with("diff colors", &[("KUBECTL_EXTERNAL_DIFF", "/bin/cat -n")]).await;
    assert_eq!(code, 1, "{printed}");
    assert!(printed.contains("value: blue\n") && printed.contains("value: green\n"), "{printed}");

    stage.write("login.yaml", &Value::Null).commit("Three");
    let printed = stage.ends(1, "diff colors").await;
    assert!(printed.contains("-  password: ++++++++\n") && printed.contains(" +0,0 @@\n"), "{printed}");
    assert_eq!(stage.object(SETTING, "color").await["data"]["value"], "blue");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn manifests_are_those_of_git_or_of_a_folder() {
    let stage = Stage::idle().await;
    let first = stage.write("color.yaml", &setting("color", "blue")).commit("One");
    stage.write("color.yaml", &setting("color", "green")).write("login.yaml", &secret("b25l")).commit("Two");
    stage.create("colors", "").await;
    let printed = stage.does("manifests colors").await;
    for expected in
        ["---\n", "  value: green\n", "tracking-id: colors:/ConfigMap:gitops/color\n", "password: ++++++++\n"]
    {
        assert!(printed.contains(expected), "{expected:?} is not in\n{printed}");
    }
    stage.says(&format!("manifests colors --source git --revision {first}"), "  value: blue\n").await;
    let list: Value = serde_json::from_str(&stage.does("manifests colors -o json").await).expect("JSON");
    assert_eq!(list["items"].as_array().map(Vec::len), Some(2));
    stage.file("work/color.yaml", &setting("color", "red").to_string());
    stage.says("manifests colors --local work", "  value: red\n").await;
    stage.says("manifests colors --local work --local-repo-root .", "  value: red\n").await;
    stage.refuses("manifests colors --local work --local-repo-root repository", "is not a folder in ").await;
    stage.refuses("manifests colors --revision none", "has no branch, tag or commit \"none\"").await;
    stage.refuses("manifests colors --source live --revision v2", "leave --source live out").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_is_in_no_repository_is_compared() {
    let stage = Stage::new().await;
    stage.write("color.yaml", &setting("color", "blue")).commit("One");
    stage.create("colors", "").await;
    stage.does("sync colors --timeout 60").await;
    stage.file("work/color.yaml", &setting("color", "blue").to_string());
    stage.file("work/.git/color.yaml", "this is not read");
    stage.ends(0, "diff colors --local work").await;
    stage.file("work/color.yaml", &setting("color", "red").to_string());
    let printed = stage.ends(1, "diff colors --local work").await;
    assert!(printed.contains("-  value: blue\n+  value: red\n"), "{printed}");
    stage.file("work/color.yaml", "apiVersion: v1\nkind: [");
    let printed = stage.ends(2, "diff colors --local work").await;
    assert!(
        printed.contains("cannot compare application 'colors': work: color.yaml:")
            && printed.contains("--local-repo-root"),
        "{printed}"
    );
    stage.ends(2, "diff colors --local nowhere").await;
    stage.ends(2, "diff other").await;
    stage.ends(2, "diff").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_be_refused_is_named_beside_what_differs() {
    let stage = Stage::idle().await;
    let mut wrong = setting("wrong", "x");
    wrong["data"]["value"] = json!({"not": "text"});
    let away = json!({"apiVersion": "example.com/v1", "kind": "Nothing", "metadata": {"name": "none"}});
    stage
        .write("color.yaml", &setting("color", "blue"))
        .write("wrong.yaml", &wrong)
        .write("away.yaml", &away)
        .commit("One");
    stage.create("colors", "").await;
    let printed = stage.ends(2, "diff colors").await;
    for expected in [
        "+  value: blue\n",
        "===== example.com/Nothing gitops/none ======\nwould be refused: the cluster has no kind Nothing in example.com/v1\n",
        "===== /ConfigMap gitops/wrong ======\nwould be refused: ",
        "a sync of application 'colors' would fail with /ConfigMap/wrong, example.com/Nothing/none",
    ] {
        assert!(printed.contains(expected), "{expected:?} is not in\n{printed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_can_be_synced_for_once() {
    let stage = Stage::new().await;
    let commit = stage
        .write("color.yaml", &setting("color", "blue"))
        .write("shape.yaml", &setting("shape", "round"))
        .commit("One");
    stage.create("colors", "").await;
    stage.does("sync colors --timeout 60").await;
    stage.file("work/color.yaml", &setting("color", "red").to_string());
    let left = "1 object requires pruning";
    let printed = stage.says("sync colors --local work --timeout 60", "✔ Succeeded").await;
    assert!(!printed.contains(left), "{printed}");
    assert_eq!(stage.object(SETTING, "color").await["data"]["value"], "red");
    assert_eq!(stage.object(SETTING, "shape").await["data"]["value"], "round");
    // It is no commit, and Git counts again.
    assert_eq!(stage.does("history colors -o id").await, "0\n");
    stage.comes_to_say("get colors", &format!("OutOfSync from main ({})\n", &commit[..7])).await;
    stage.does("sync colors --local work --prune --timeout 60").await;
    assert_eq!(stage.object(SETTING, "shape").await, Value::Null);
    stage.does("sync colors --timeout 60").await;
    assert_eq!(stage.object(SETTING, "color").await["data"]["value"], "blue");
    stage.file("secret/color.yaml", &setting("color", "blue").to_string());
    stage.file("secret/login.yaml", &secret("b25l").to_string());
    let printed = stage.refuses("sync colors --local secret", "with --local-secrets.\n").await;
    assert!(printed.contains("the folder has the Secret login, and whoever reads the Application"), "{printed}");
    stage.does("sync colors --local secret --local-secrets --timeout 60").await;
    let application = stage.object(APPLICATION, "colors").await;
    assert!(!application.to_string().contains("b25l"), "{application}");
    stage.file("empty/readme.md", "nothing");
    stage.refuses("sync colors --local empty", "there is nothing in the folder\n").await;
    stage.file("large/map.yaml", &setting("color", &"x".repeat(1 << 20)).to_string());
    stage.refuses("sync colors --local large", "can be sent: commit them instead\n").await;
    let policy = json!({"spec": {"syncPolicy": {"automated": {}}}});
    stage.patch(APPLICATION, "colors", policy).await;
    stage.refuses("sync colors --local work", "Cannot use local sync when Automatic Sync Policy is enabled\n").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_applications_are_synced_each_by_itself() {
    let stage = Stage::new().await;
    stage.write("color.yaml", &setting("color", "blue")).commit("One");
    stage.create("broken", "--path nowhere -l team=a").await;
    stage.create("colors", "-l team=a").await;
    let printed = stage.refuses("sync -l team=a --timeout 60", "Error: 1 of 2 syncs failed: broken\n").await;
    assert!(
        printed.contains("Error: the operation of application 'broken' has completed with phase Error: "),
        "{printed}"
    );
    assert_eq!(stage.object(SETTING, "color").await["data"]["value"], "blue");
    stage.does("wait colors --timeout 60").await;
    assert_eq!(stage.does(&format!("list -o name -r {}", stage.url())).await, "gitops/broken\ngitops/colors\n");
    assert_eq!(
        stage.does("list -r https://git.example.com/a.git").await,
        "No applications found in gitops namespace.\n"
    );
}

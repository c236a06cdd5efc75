//! Applications in the dashboard: what pages say, how much that is, and what they let people do.
#![cfg(all(feature = "dashboard", feature = "gitops"))]

mod stage;

use std::time::Duration;

use axum::http::{Method, StatusCode};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};
use sluice::dashboard::access::Gate;
use tokio::time::Instant;

use self::stage::{HOME, Stage, object, read, streams};

/// What a page with a thousand of something may have. Its time is asserted for a debug build on a busy machine.
const MOST_BYTES: usize = 300_000;
const MOST_TIME: Duration = Duration::from_secs(3);

fn page(name: &str) -> String {
    format!("/applications/{HOME}/{name}")
}

#[tokio::test]
async fn a_cluster_without_the_kind_says_so_and_holds_up_nothing() {
    let stage = Stage::new(false, Gate::Owner, false).await;
    let start = Instant::now();
    let rollouts = stage.shows("/rollouts", "<h1>Rollouts</h1>").await;
    let applications = stage.shows("/applications", "does not have the kind Application").await;
    // A first list that never comes is waited for ten seconds.
    assert!(start.elapsed() < Duration::from_secs(8));
    assert!(!rollouts.contains("href=\"/applications\"") && applications.contains("sluice crds --gitops"));
}

#[tokio::test]
async fn the_list_says_how_each_stands_and_what_it_waits_for() {
    let stage = Stage::usual().await;
    let at = "2026-01-01T00:00:00Z";
    stage
        .create(
            "calm",
            &json!({"status": {"history": [{"id": 1, "deployedAt": at, "initiatedBy": {"username": "jane"}}]}}),
        )
        .await;
    stage
        .create(
            "busy",
            &json!({"status": {"sync": {"status": "OutOfSync"}, "operationState": {
        "operation": {"sync": {}}, "phase": "Running", "startedAt": at, "message": "wave 2 waits for <web>"}}}),
        )
        .await;
    stage.shows("/applications", ">busy</a>").await;
    let text = stage.shows("/applications", ">calm</a>").await;
    for wanted in ["✔ Synced", "✔ Healthy", "⚠ OutOfSync", "abc1234", "jane", "git.example.com/team/colors deploy"]
    {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(text.contains("wave 2 waits for &lt;web&gt;") && !text.contains("<web>"), "{text}");
    assert!(text.contains("href=\"/rollouts\"") && text.contains("href=\"/applications\""));
    let filtered = stage.get("/applications?sync=OutOfSync&search=bus").await.text;
    assert!(filtered.contains(">busy</a>") && !filtered.contains(">calm</a>"));
}

#[tokio::test]
async fn a_thousand_applications_are_a_light_page() {
    let stage = Stage::usual().await;
    for index in 0..1_000 {
        stage
            .create(
                &format!("colors-{index:04}"),
                &json!({"status": {"history": [
            {"id": 1, "deployedAt": "2026-01-01T00:00:00Z", "initiatedBy": {"username": "jane"}}]}}),
            )
            .await;
    }
    stage.shows("/applications", "colors-0999").await;
    let start = Instant::now();
    let text = stage.get("/applications").await.text;
    let took = start.elapsed();
    println!("{} bytes in {took:?}", text.len());
    assert_eq!(text.matches("<tr id=").count(), 1_000);
    assert!(text.len() < MOST_BYTES, "{} bytes", text.len());
    assert!(took < MOST_TIME, "{took:?}");
}

#[tokio::test]
async fn an_application_of_a_thousand_objects_shows_what_differs_first() {
    let stage = Stage::usual().await;
    let mut objects: Vec<Value> =
        (0..998).map(|index| object("ConfigMap", &format!("map-{index:04}"), "Synced")).collect();
    objects.push(object("Service", "front", "OutOfSync"));
    objects.push(
        json!({"group": "argoproj.io", "version": "v1alpha1", "kind": "Rollout", "namespace": "shop", "name": "web",
        "status": "Synced", "health": {"status": "Degraded", "message": "it <b>broke</b>"}, "syncWave": 3}),
    );
    stage.create("large", &json!({"status": {"resources": objects}})).await;
    let text = stage.shows(&page("large"), "<h1>large").await;
    assert!(text.contains(">front</a>") && !text.contains("map-0000"), "{text}");
    assert!(text.contains("All <b>1000</b>") && text.contains("Differ from Git <b>1</b>"), "{text}");

    let all = stage.get(&format!("{}?show=all", page("large"))).await.text;
    assert!(
        all.contains("ConfigMap") && all.contains(": 998") && !all.contains("map-0000"),
        "groups are closed: {all}"
    );

    let start = Instant::now();
    let open = stage.get(&format!("{}?show=all&open=%2FConfigMap%2Fshop", page("large"))).await.text;
    let took = start.elapsed();
    println!("{} bytes in {took:?}", open.len());
    assert!(open.contains("map-0000") && open.contains("map-0997"));
    assert!(open.len() < MOST_BYTES && took < MOST_TIME, "{} bytes in {took:?}", open.len());

    let ails = stage.get(&format!("{}?show=ails", page("large"))).await.text;
    assert!(ails.contains("href=\"/rollouts/shop/web\"") && ails.contains("it &lt;b&gt;broke&lt;/b&gt;"), "{ails}");
    let found = stage.get(&format!("{}?show=all&search=map-0123", page("large"))).await.text;
    assert!(found.contains(">map-0123</a>"), "what is found is open: {found}");
}

#[tokio::test]
async fn what_others_have_written_stays_text() {
    let stage = Stage::usual().await;
    let evil = "<script>alert(1)</script>\u{1b}[2J";
    let at = "2026-01-01T00:00:00Z";
    let source = json!({"repoURL": evil, "path": evil, "targetRevision": evil});
    stage.create("evil", &json!({
        "spec": {"project": evil, "source": source, "destination": {"namespace": evil}},
        "status": {
            "sync": {"status": evil, "revision": evil}, "health": {"status": evil, "message": evil},
            "conditions": [{"type": evil, "message": evil}], "summary": {"externalURLs": [evil]},
            "resources": [{"group": evil, "version": evil, "kind": evil, "namespace": evil, "name": evil, "status": evil}],
            "history": [{"id": 1, "deployedAt": at, "revision": evil, "source": source, "initiatedBy": {"username": evil}}],
            "operationState": {"operation": {}, "phase": evil, "message": evil, "startedAt": at},
        },
    })).await;
    let list = stage.shows("/applications", ">evil</a>").await;
    let one = stage.get(&page("evil")).await.text;
    let search = stage.get("/applications?search=%3Cscript%3Ealert").await.text;
    for text in [list, one, search] {
        assert!(!text.contains("<script>alert") && !text.contains('\u{1b}'), "{text}");
    }
}

#[tokio::test]
async fn what_is_asked_for_is_written_and_the_result_is_told() {
    let stage = Stage::usual().await;
    let at = "2026-01-01T00:00:00Z";
    let entry = |id: i64| json!({"id": id, "revision": format!("r{id}"), "deployedAt": at, "source": {"repoURL": "https://git.example.com/x"}});
    stage.create("web", &json!({"status": {"history": [entry(4), entry(5)]}})).await;
    let text = stage.shows(&page("web"), "Roll back to 4").await;
    assert!(text.contains("do/rollback?id=4") && !text.contains("do/rollback?id=5"), "{text}");
    let on = |action: &str| format!("{}/do/{action}", page("web"));

    let question = stage.get(&on("sync")).await.text;
    assert!(question.contains("name=\"prune\"") && question.contains("name=\"dry_run\""), "{question}");
    assert_eq!(stage.stored("web").await["operation"], Value::Null, "a question changes nothing");

    let refreshed = stage.post(&on("hard-refresh"), "").await;
    assert!(refreshed.text.contains("is refreshed hard"), "{}", refreshed.text);
    assert_eq!(stage.stored("web").await["metadata"]["annotations"]["argocd.argoproj.io/refresh"], "hard");

    assert_eq!(stage.post(&on("terminate"), "").await.status, StatusCode::CONFLICT, "there is nothing to end");
    let synced = stage.post(&on("sync"), "prune=true&dry_run=true").await;
    assert!(synced.text.contains("is asked for (dry run)"), "{}", synced.text);
    let operation = stage.stored("web").await["operation"].clone();
    assert_eq!((&operation["sync"]["prune"], &operation["sync"]["dryRun"]), (&json!(true), &json!(true)));

    let second = stage.post(&on("sync"), "").await;
    assert_eq!(second.status, StatusCode::CONFLICT);
    assert!(second.text.contains("another operation is already in progress"), "{}", second.text);

    stage.change("web", &json!({"operation": null})).await;
    assert_eq!(stage.post(&on("rollback"), "id=9").await.status, StatusCode::CONFLICT);
    assert!(stage.post(&on("rollback"), "id=4").await.text.contains("to id 4 is asked for"));
    assert_eq!(stage.stored("web").await["operation"]["sync"]["revision"], "r4");

    let running = json!({"operation": {}, "phase": "Running", "startedAt": at});
    stage.change("web", &json!({"operation": null, "status": {"operationState": running}})).await;
    assert!(stage.post(&on("terminate"), "").await.text.contains("is being terminated"));
    assert_eq!(stage.stored("web").await["status"]["operationState"]["phase"], "Terminating");
    assert_eq!(stage.post(&on("explode"), "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nobody_goes_back_while_it_syncs_by_itself() {
    let stage = Stage::usual().await;
    let entry = |id: i64| json!({"id": id, "deployedAt": "2026-01-01T00:00:00Z", "source": {"repoURL": "https://git.example.com/x"}});
    let automated = json!({"spec": {"syncPolicy": {"automated": {}}}, "status": {"history": [entry(0), entry(1)]}});
    stage.create("auto", &automated).await;
    let text = stage.shows(&page("auto"), "a way back is a commit in Git").await;
    assert!(!text.contains("Roll back to"));
    let refused = stage.post(&format!("{}/do/rollback", page("auto")), "id=0").await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text.contains("auto-sync is enabled"), "{}", refused.text);
}

#[tokio::test]
async fn a_page_from_elsewhere_and_a_reader_change_nothing() {
    let stage = Stage::usual().await;
    stage.create("web", &json!({})).await;
    let sync = format!("{}/do/sync", page("web"));
    let foreign = [("origin", "https://evil.example.com"), ("content-type", "application/x-www-form-urlencoded")];
    let refused = read(stage.ask(Method::POST, &sync, "", &foreign).await).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(stage.stored("web").await["operation"], Value::Null);

    let reader = Stage::new(true, Gate::Owner, true).await;
    reader.create("web", &json!({})).await;
    assert!(!reader.shows(&page("web"), "<h1>web").await.contains("do/sync"));
    assert_eq!(reader.post(&sync, "").await.status, StatusCode::FORBIDDEN);
    assert_eq!(reader.stored("web").await["operation"], Value::Null);
}

#[tokio::test]
async fn pages_keep_themselves_up_to_date() {
    let stage = Stage::usual().await;
    stage.create("web", &json!({})).await;
    stage.shows(&page("web"), "<h1>web").await;
    let list = streams(stage.ask(Method::GET, "/applications/live", "", &[]).await, "Healthy").await;
    let one = streams(stage.ask(Method::GET, &format!("{}/live", page("web")), "", &[]).await, "Healthy").await;
    stage.change("web", &json!({"status": {"health": {"status": "Degraded"}}})).await;
    for body in [list, one] {
        let _ = streams(axum::response::Response::new(body), "Degraded").await;
    }
}

#[tokio::test]
async fn an_object_is_shown_as_the_cluster_has_it_without_what_a_secret_holds() {
    let stage = Stage::usual().await;
    stage.namespace("shop").await;
    let secret =
        json!({"metadata": {"name": "login"}, "stringData": {"password": "hunter2"}, "data": {"pin": "MTIzNA=="}});
    let secret = serde_json::from_value(secret).expect("a Secret");
    let secrets: Api<Secret> = Api::namespaced(stage.client.clone(), "shop");
    let creating = PostParams { field_manager: Some("sluice".to_owned()), ..PostParams::default() };
    secrets.create(&creating, &secret).await.expect("a Secret");
    stage.create("web", &json!({"status": {"resources": [object("Secret", "login", "Synced"), object("Secret", "gone", "OutOfSync")]}})).await;
    stage.shows(&page("web"), "<h1>web").await;
    let of = |name: &str| format!("{}/object?kind=Secret&namespace=shop&name={name}", page("web"));
    let text = stage.get(&of("login")).await.text;
    assert!(text.contains("Who has set what") && text.contains("name: login") && text.contains("++++++++"), "{text}");
    assert!(!text.contains("MTIzNA") && !text.contains("aHVudGVyMg") && !text.contains("hunter2"), "{text}");
    assert!(stage.get(&of("gone")).await.text.contains("The cluster does not have it."));
    assert_eq!(stage.get(&of("other")).await.status, StatusCode::NOT_FOUND, "only objects of the Application");
}

#[tokio::test]
async fn a_dashboard_in_the_cluster_renders_nothing_and_says_how_to_see_it() {
    let stage = Stage::new(true, Gate::Token, false).await;
    stage.create("web", &json!({})).await;
    let (path, bearer) = (format!("{}/diff", page("web")), [("authorization", "Bearer abc")]);
    let nobody = read(stage.ask(Method::GET, &path, "", &[]).await).await;
    assert!(nobody.status.is_redirection());
    let start = Instant::now();
    loop {
        let answer = read(stage.ask(Method::GET, &path, "", &bearer).await).await;
        if answer.status == StatusCode::OK {
            assert!(answer.text.contains("kubectl sluice app diff"), "{}", answer.text);
            return;
        }
        assert!(start.elapsed() < Duration::from_mins(1), "{}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_own_machine_what_a_sync_would_change_is_shown_line_by_line() {
    let stage = Stage::usual().await;
    let _repository = stage.colors().await;
    stage.shows(&page("colors"), "<h1>colors").await;

    let text = stage.get(&format!("{}/diff", page("colors"))).await.text;
    for wanted in ["<del>-   value: blue", "<ins>+   value: &lt;green&gt;", "would be created", "++++++++"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(!text.contains("MTIzNA"), "{text}");
    let one = stage.get(&format!("{}/diff?kind=ConfigMap&namespace=shop&name=color", page("colors"))).await.text;
    assert!(one.contains("value: blue") && !one.contains("login"), "{one}");
    assert_eq!(stage.color().await, "blue", "nothing is written");
}

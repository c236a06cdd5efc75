//! Nobody changes or sees what they may not, by any route: the table is walked from end to end.

use kube::Resource as _;
use kube::api::{Api, Patch, PatchParams};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::dashboard::access::Gate;
use sluice::dashboard::applications::action::Action as OfApplication;
use sluice::dashboard::routes::{Needs, table};
use sluice::trial;
use sluice_core::act::action::Action;
use sluice_core::act::asked::Asked;
use sluice_core::api::{Application, Rollout};

use crate::oidc::{self, Small};
use crate::stage::{Manner, OWN, SHARED, Stage, session_of, text};

/// Every route, with names filled in; one that takes an action for each of them.
fn routes() -> Vec<(Method, String, Needs)> {
    let filled = |path: &str| {
        let fillings = [
            ("{namespace}", "shop"),
            ("{name}", "web"),
            ("{container}", "web"),
            ("{image}", "web"),
            ("{tag}", "2"),
            ("{revision}", "1"),
            ("{file}", "sluice.css"),
        ];
        fillings.into_iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value))
    };
    let of_rollout: Vec<&str> = Action::ALL.into_iter().map(Action::name).collect();
    let of_application: Vec<&str> =
        OfApplication::OF_APPLICATION.into_iter().chain([OfApplication::RollBack]).map(OfApplication::name).collect();
    let mut routes = Vec::new();
    for route in table("rollouts") {
        let path = filled(&route.path);
        if path.contains("{action}") {
            let actions = if path.starts_with("/applications/") { &of_application } else { &of_rollout };
            let of = |action: &str| if action == "terminate" { path.replace("/web/", "/busy/") } else { path.clone() };
            let paths = actions.iter().map(|action| of(action).replace("{action}", action));
            routes.extend(paths.map(|path| (route.method.clone(), path, route.needs)));
        } else {
            routes.push((route.method, path, route.needs));
        }
    }
    assert!(routes.iter().all(|(_, path, _)| !path.contains('{')), "{routes:?}");
    routes
}

/// Everything that a request could change.
async fn everything(stage: &Stage) -> Value {
    let applications: Api<Application> = Api::namespaced(stage.client.clone(), "shop");
    let mut all = Vec::new();
    for name in ["web", "busy"] {
        all.push(json!(applications.get(name).await.expect("an Application")));
    }
    for (namespace, name) in [("shop", "web"), ("bank", "api")] {
        all.push(json!(stage.read(namespace, name).await));
    }
    json!(all)
}

async fn furnished(manner: Manner) -> Stage {
    let stage = Stage::new(manner).await;
    furnish(&stage).await;
    stage
}

async fn furnish(stage: &Stage) {
    stage.rollout("shop", "web").await;
    stage.rollout("bank", "api").await;
    trial::install_gitops(&stage.client).await.expect("the kinds");
    let source = json!({"repoURL": "https://git.example.com/web.git", "path": "deploy"});
    let entry = json!({"id": 0, "revision": "a", "deployedAt": "2026-01-01T00:00:00Z", "source": source});
    stage
        .apply(&json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"namespace": "shop", "name": "web"},
            "spec": {"project": "default", "source": source, "destination": {"namespace": "shop"}},
            "status": {"history": [entry]},
        }))
        .await;
    // One whose sync can be ended.
    let operation = json!({"sync": {"revision": "a"}});
    let running = json!({"phase": "Running", "operation": operation, "startedAt": "2026-01-01T00:00:00Z"});
    stage
        .apply(&json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"namespace": "shop", "name": "busy"},
            "spec": {"project": "default", "source": source, "destination": {"namespace": "shop"}},
            "operation": operation, "status": {"operationState": running},
        }))
        .await;
    // In the middle of an update, so that there is something to promote.
    let status = json!({"status": {"currentPodHash": "b", "stableRS": "a"}});
    let rollouts: Api<Rollout> = Api::namespaced(stage.client.clone(), "shop");
    let web =
        rollouts.patch_status("web", &PatchParams::default(), &Patch::Merge(status)).await.expect("it is patched");
    // And to go back to.
    let owner = web.controller_owner_ref(&()).expect("an owner");
    for (revision, hash) in [("1", "a"), ("2", "b")] {
        let labels = json!({"app": "web", "rollouts-pod-template-hash": hash});
        let pod = json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": format!("web:{revision}")}]}});
        let annotations = json!({"rollout.argoproj.io/revision": revision});
        stage
            .apply(&json!({
                "apiVersion": "apps/v1", "kind": "ReplicaSet",
                "metadata": {"namespace": "shop", "name": format!("web-{hash}"), "labels": labels, "annotations": annotations, "ownerReferences": [owner]},
                "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": pod},
            }))
            .await;
    }
}

/// Asks for a change as somebody who could have it, but for what `spoil` does to the request.
async fn refuses_all(stage: &Stage, expected: u16, spoil: impl Fn(reqwest::RequestBuilder) -> reqwest::RequestBuilder) {
    let before = everything(stage).await;
    let web = stage.read("shop", "web").await;
    let mut refused = 0;
    for (method, path, needs) in routes() {
        if needs != Needs::Change {
            continue;
        }
        let action = path.rsplit('/').next().and_then(Action::named);
        let asked = action.map(|action| Asked::about(action, &web)).unwrap_or_default();
        let form = format!("container=web&image=web:2&revision=0&asked={}", asked.as_str());
        let request = stage.asked(method.clone(), &path).header("content-type", "application/x-www-form-urlencoded");
        let request = if path.starts_with("/api/") { request } else { request.body(form) };
        let answer = spoil(request).send().await.expect("an answer");
        let status = answer.status().as_u16();
        let said = text(answer).await;
        assert_eq!(status, expected, "{method} {path}: {said}");
        refused += 1;
    }
    assert!(refused > 10, "{refused} routes change something");
    assert_eq!(everything(stage).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_shows_no_token_changes_nothing() {
    let stage = furnished(SHARED).await;
    refuses_all(&stage, 401, |request| request).await;
    refuses_all(&stage, 401, |request| request.bearer_auth("nobody-has-this")).await;
    let port = stage.address.rsplit(':').next().expect("a port");
    let guessed = format!("sluice-session-{port}=guessed");
    refuses_all(&stage, 401, |request| request.header("cookie", &guessed)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_only_look_changes_nothing() {
    let stage = furnished(SHARED).await;
    let looks =
        json!([{"apiGroups": ["argoproj.io", "apps", ""], "resources": ["*"], "verbs": ["get", "list", "watch"]}]);
    let viewer = stage.token("viewer", &looks).await;
    refuses_all(&stage, 403, |request| request.bearer_auth(&viewer)).await;
    let nobody = stage.token("nobody", &json!([])).await;
    refuses_all(&stage, 403, |request| request.bearer_auth(&nobody)).await;
}

/// Somebody who logged in at a provider that the API server does not know.
async fn logged_in(stage: &Stage, small: &Small) -> String {
    let (cookie, entrance) = oidc::begin(stage).await;
    let answer = oidc::back(stage, &cookie, &small.lets_in(&entrance)).await;
    assert_eq!(answer.status(), 303);
    session_of(&answer)
}

const LOOKS: [&str; 3] = ["get", "list", "watch"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_the_api_server_does_not_know_changes_nothing_without_a_role() {
    let small = Small::start(false).await;
    let stage = oidc::stage_that_reviews(&small).await;
    furnish(&stage).await;
    let session = logged_in(&stage, &small).await;
    refuses_all(&stage, 403, |request| request.header("cookie", &session)).await;
    for (method, path, needs) in routes() {
        if needs != Needs::Sight {
            continue;
        }
        let mut answer = oidc::back(&stage, &session, &path).await;
        let status = answer.status().as_u16();
        assert!([200, 403, 404].contains(&status), "{method} {path}: {status}");
        // What streams has no end: what it says first is all there is to see.
        let is_stream = status == 200 && (path.ends_with("/live") || path.ends_with("/watch"));
        let said = if is_stream {
            let first = answer.chunk().await.expect("it is not cut").expect("it says something");
            String::from_utf8_lossy(&first).into_owned()
        } else {
            text(answer).await
        };
        assert!(!said.contains("web:1") && !said.contains("/web") && !said.contains("bank"), "{method} {path}: {said}");
    }
    // Who may look does not change anything either.
    let rules = json!([{"apiGroups": ["argoproj.io", "apps", ""], "resources": ["*"], "verbs": LOOKS}]);
    stage.bind("oidc:ann", &rules).await;
    let session = logged_in(&stage, &small).await;
    refuses_all(&stage, 403, |request| request.header("cookie", &session)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_the_api_server_does_not_know_does_what_a_role_says() {
    let small = Small::start(false).await;
    let stage = oidc::stage_that_reviews(&small).await;
    furnish(&stage).await;
    let rules = json!([
        {"apiGroups": ["argoproj.io", "apps"], "resources": ["rollouts", "replicasets"], "verbs": LOOKS},
        {"apiGroups": ["argoproj.io"], "resources": ["rollouts/status"], "verbs": ["patch"]},
    ]);
    stage.bind("oidc:ann", &rules).await;
    let session = logged_in(&stage, &small).await;
    let asked = async |method: Method, path: &str| {
        let request = stage.asked(method, path).header("cookie", &session).header("origin", &stage.address);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), text(answer).await)
    };
    let limit = tokio::time::Instant::now() + std::time::Duration::from_mins(1);
    while asked(Method::GET, "/rollouts/shop/web").await.0 != 200 {
        assert!(tokio::time::Instant::now() < limit, "the page of the rollout does not come");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(asked(Method::GET, "/rollouts/bank/api").await.0, 404);
    let (status, said) = asked(Method::PUT, "/api/v1/rollouts/shop/web/abort").await;
    assert_eq!(status, 200, "{said}");
    assert!(stage.read("shop", "web").await.status().abort);
    // Its manifest is another right, and another namespace another role.
    let (status, said) = asked(Method::PUT, "/api/v1/rollouts/shop/web/restart").await;
    assert!(status == 403 && said.contains("oidc:ann cannot patch rollouts web"), "{status}: {said}");
    assert_eq!(asked(Method::PUT, "/api/v1/rollouts/bank/api/abort").await.0, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_site_changes_nothing_on_ones_own_machine() {
    let stage = furnished(OWN).await;
    refuses_all(&stage, 403, |request| request.header("origin", "https://evil.example.com")).await;
    refuses_all(&stage, 403, |request| request.header("sec-fetch-site", "cross-site")).await;
    // By a name that was made to lead here.
    refuses_all(&stage, 403, |request| request.header("host", "evil.example.com")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dashboard_to_look_at_changes_nothing() {
    let stage = furnished(Manner { gate: Gate::Owner, read_only: true }).await;
    stage.until_page_says("/rollouts", "/rollouts/shop/web").await;
    refuses_all(&stage, 403, |request| request).await;
    assert!(!stage.page("/rollouts/shop/web").await.contains("/do/"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_change_something_does() {
    let stage = furnished(SHARED).await;
    let rules = json!([
        {"apiGroups": ["argoproj.io"], "resources": ["rollouts"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["argoproj.io"], "resources": ["rollouts/status"], "verbs": ["patch"]},
    ]);
    let operator = stage.token("operator", &rules).await;
    let abort = stage.asked(Method::PUT, "/api/v1/rollouts/shop/web/abort").bearer_auth(&operator);
    let answer = abort.send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{}", text(answer).await);
    assert!(stage.read("shop", "web").await.status().abort);
    // In another namespace they may not.
    let abort = stage.asked(Method::PUT, "/api/v1/rollouts/bank/api/abort").bearer_auth(&operator);
    assert_eq!(abort.send().await.expect("an answer").status(), 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_anything_without_a_token() {
    let stage = furnished(SHARED).await;
    for (method, path, needs) in routes() {
        let answer = stage.asked(method.clone(), &path).send().await.expect("an answer");
        let status = answer.status().as_u16();
        let location = answer.headers().get("location").map(|value| value.to_str().expect("text").to_owned());
        let said = text(answer).await;
        for name in ["web:1", "\"web\"", ">web<", "bank"] {
            assert!(!said.contains(name), "{method} {path} tells of {name}: {said}");
        }
        match needs {
            Needs::Nothing => assert!(status < 500, "{path}: {status}"),
            Needs::Sight if path.starts_with("/api/") => assert_eq!(status, 401, "{path}"),
            Needs::Sight => {
                assert_eq!(status, 303, "{path}");
                let wanted = if path.starts_with("/applications") { "applications" } else { "rollouts" };
                assert!(location.is_some_and(|to| to.starts_with(&format!("/login?to=%2F{wanted}"))), "{path}");
            }
            Needs::Change => assert_eq!(status, 401, "{path}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_sees_what_they_may() {
    let stage = furnished(SHARED).await;
    let rules = json!([{"apiGroups": ["argoproj.io"], "resources": ["rollouts"], "verbs": ["list"]}]);
    let viewer = stage.token("viewer", &rules).await;
    let nobody = stage.token("nobody", &json!([])).await;
    let sees = async |path: &str, token: &str| {
        let answer = stage.asked(Method::GET, path).bearer_auth(token).send().await.expect("an answer");
        (answer.status().as_u16(), text(answer).await)
    };
    stage.until_seen("/rollouts/shop/web", &viewer).await;
    let (status, page) = sees("/rollouts", &viewer).await;
    assert!(status == 200 && page.contains("/rollouts/shop/web") && !page.contains("bank"), "{page}");
    let (status, page) = sees("/rollouts", &nobody).await;
    assert!(status == 200 && page.contains("No rollouts"), "{page}");
    assert_eq!(sees("/rollouts/shop/web", &viewer).await.0, 200);
    assert_eq!(sees("/rollouts/shop/web", &nobody).await.0, 404);
    assert_eq!(sees("/rollouts/bank/api", &viewer).await.0, 404);
    assert_eq!(sees("/api/v1/rollouts/bank/api/info/watch", &viewer).await.0, 404);
    let (_, list) = sees("/api/v1/rollouts/bank/info", &viewer).await;
    assert_eq!(list, r#"{"rollouts":[]}"#);
    assert_eq!(sees("/api/v1/namespace", &viewer).await.1, r#"{"availableNamespaces":["shop"],"namespace":"shop"}"#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_logs_in_looks_and_logs_out() {
    let stage = furnished(SHARED).await;
    let rules = json!([{"apiGroups": ["argoproj.io"], "resources": ["*"], "verbs": ["*"]}]);
    let token = stage.token("person", &rules).await;
    stage.until_seen("/rollouts/shop/web", &token).await;
    let form = |token: &str| format!("token={token}&to=%2Frollouts%2Fshop%2Fweb");
    let log_in = async |token: &str, origin: Option<&str>| {
        let request = stage.asked(Method::POST, "/login").header("content-type", "application/x-www-form-urlencoded");
        let request = origin.into_iter().fold(request, |request, origin| request.header("origin", origin));
        request.body(form(token)).send().await.expect("an answer")
    };
    let wrong = log_in("wrong", None).await;
    assert_eq!(wrong.status(), 401);
    assert!(text(wrong).await.contains("does not know this token"));
    assert_eq!(log_in(&token, Some("https://evil.example.com")).await.status(), 403);

    let right = log_in(&token, None).await;
    assert_eq!(right.status(), 303);
    assert_eq!(right.headers()["location"], "/rollouts/shop/web");
    let cookie = right.headers()["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && !cookie.contains(&token), "{cookie}");
    let session = cookie.split(';').next().expect("a name").to_owned();
    let look = async |path: &str| {
        let request = stage.asked(Method::GET, path).header("cookie", &session);
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(look("/rollouts/shop/web").await, 200);

    let abort = |origin: &'static str| {
        let request = stage.asked(Method::POST, "/rollouts/shop/web/do/abort").header("cookie", &session);
        request.header("content-type", "application/x-www-form-urlencoded").header("origin", origin).send()
    };
    assert_eq!(abort("https://evil.example.com").await.expect("an answer").status(), 403);
    assert!(!stage.read("shop", "web").await.status().abort);

    let out = stage.asked(Method::POST, "/logout").header("cookie", &session).send().await.expect("an answer");
    assert_eq!(out.status(), 303);
    assert_eq!(look("/rollouts/shop/web").await, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_whose_token_has_run_out_leads_back_to_the_login() {
    let stage = furnished(SHARED).await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    let accounts: Api<k8s_openapi::api::core::v1::ServiceAccount> = Api::namespaced(stage.client.clone(), "shop");
    let mut sessions = Vec::new();
    for name in ["one", "other"] {
        let token =
            stage.token(name, &json!([{"apiGroups": ["argoproj.io"], "resources": ["*"], "verbs": ["*"]}])).await;
        sessions.push(stage.session(&token).await);
        accounts.delete(name, &kube::api::DeleteParams::default()).await.expect("it is deleted");
    }
    let post = stage.asked(Method::POST, "/rollouts/shop/web/do/abort").header("cookie", &sessions[0]);
    let answer = post.header(form.0, form.1).send().await.expect("an answer");
    assert_eq!(answer.status(), 401);
    assert!(text(answer).await.contains(r#"href="/login""#));
    let answer = oidc::back(&stage, &sessions[1], "/rollouts/shop/web").await;
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.headers()["location"], "/login?to=%2Frollouts%2Fshop%2Fweb");
    assert!(answer.headers()["set-cookie"].to_str().expect("text").contains("Max-Age=0"));
    // Both are over: nobody is asked about them any more.
    for session in &sessions {
        let answer = oidc::back(&stage, session, "/rollouts").await;
        assert_eq!(answer.status(), 303);
        assert!(!answer.headers().contains_key("set-cookie"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_refused_has_the_form_that_who_asks_can_read() {
    let stage = Stage::new(OWN).await;
    for (method, path, status) in [
        (Method::GET, "/api/v1/nothing", 404),
        (Method::DELETE, "/api/v1/rollouts/shop/info", 405),
        (Method::GET, "/nothing", 404),
        (Method::DELETE, "/rollouts", 405),
        (Method::GET, "/rollouts?sort=sideways", 400),
    ] {
        let answer = stage.asked(method, path).send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{path}");
        let kind = answer.headers()["content-type"].to_str().expect("text").to_owned();
        let said = text(answer).await;
        if path.starts_with("/api/") {
            let said: Value = serde_json::from_str(&said).expect("JSON");
            assert!(kind == "application/json" && said["message"].is_string(), "{path}: {kind} {said}");
        } else {
            assert!(kind.starts_with("text/html") && said.contains("role=\"alert\""), "{path}: {kind} {said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_site_has_no_comparison_made() {
    let stage = furnished(OWN).await;
    let path = "/applications/shop/web/diff";
    let ask = |site: &'static str| stage.asked(Method::GET, path).header("sec-fetch-site", site).send();
    for site in ["cross-site", "same-site"] {
        assert_eq!(ask(site).await.expect("an answer").status(), 403, "{site}");
    }
    assert_ne!(ask("same-origin").await.expect("an answer").status(), 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_roles_of_the_example_are_enough_to_look_and_to_act() {
    let stage = furnished(SHARED).await;
    let roles: Vec<Value> = include_str!("../../examples/dashboard/roles.yaml")
        .split("\n---\n")
        .map(|document| serde_saphyr::from_str(document).expect("a role"))
        .collect();
    let [look, act] = &roles[..] else { panic!("two roles: {roles:?}") };
    let viewer = stage.token("looks", &look["rules"]).await;
    let both: Vec<Value> =
        [look, act].iter().flat_map(|role| role["rules"].as_array().expect("rules").clone()).collect();
    let operator = stage.token("acts", &json!(both)).await;
    stage.until_seen("/rollouts/shop/web", &viewer).await;
    stage.until_seen("/applications/shop/web", &viewer).await;
    refuses_all(&stage, 403, |request| request.bearer_auth(&viewer)).await;
    let mut done = 0;
    for (method, path, needs) in routes() {
        if needs != Needs::Change {
            continue;
        }
        let request = stage.asked(method.clone(), &path).bearer_auth(&operator);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request =
            if path.starts_with("/api/") { request } else { request.body("container=web&image=web:2&revision=0") };
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let said = text(answer).await;
        // Some of it is not to be done any more after what came before.
        assert!(![401, 403].contains(&status) && status < 500, "{method} {path}: {status} {said}");
        done += 1;
    }
    assert!(done > 10, "{done}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_name_is_not_put_into_a_path_of_the_api_server() {
    let stage = furnished(OWN).await;
    let before = everything(&stage).await;
    for name in ["web%3FdryRun=All", "web%2Fstatus", "..", "%2E%2E", "we%20b", "web%23", "w%C3%A9b"] {
        for (method, path) in [
            (Method::PUT, format!("/api/v1/rollouts/shop/{name}/abort")),
            (Method::PUT, format!("/api/v1/rollouts/{name}/web/abort")),
            (Method::GET, format!("/rollouts/shop/{name}")),
            (Method::GET, format!("/api/v1/rollouts/{name}/info/watch")),
        ] {
            let answer = stage.asked(method, &path).send().await.expect("an answer");
            assert!([404, 405].contains(&answer.status().as_u16()), "{path}: {}", answer.status());
        }
    }
    assert_eq!(everything(&stage).await, before);
}

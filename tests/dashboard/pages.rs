//! Looking at rollouts and steering them, as a person does who has no script: every page and every form works as it is.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::stage::{OWN, SHARED, Stage, rollout, text};

/// The form of a question as a browser sends it, with what it asks about.
async fn form(stage: &Stage, action: &str, filled_in: &str) -> String {
    let question = stage.page(&format!("/rollouts/shop/web/do/{action}?{filled_in}")).await;
    let asked = question.split_once(r#"name="asked" value=""#).and_then(|(_, rest)| rest.split_once('"'));
    format!("{filled_in}&asked={}", asked.map_or("", |(asked, _)| asked))
}

/// Sends a form, and follows to where that leads.
async fn send(stage: &Stage, action: &str, form: String) -> (u16, String) {
    let request = stage.asked(Method::POST, &format!("/rollouts/shop/web/do/{action}"));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    let mut answer = request.send().await.expect("an answer");
    if answer.status() == 303 {
        let to = answer.headers()["location"].to_str().expect("a path").to_owned();
        answer = stage.asked(Method::GET, &to).send().await.expect("an answer");
    }
    (answer.status().as_u16(), text(answer).await)
}

async fn asks(stage: &Stage, action: &str, filled_in: &str) -> (u16, String) {
    send(stage, action, form(stage, action, filled_in).await).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_is_begun_promoted_and_taken_back_by_its_pages() {
    let stage = Stage::new(OWN).await;
    stage.control();
    stage.rollout("shop", "web").await;
    stage.until_page_says("/rollouts?status=Healthy", "/rollouts/shop/web").await;

    let question = stage.page("/rollouts/shop/web/do/set-image").await;
    assert!(question.contains("which begins an update") && question.contains(r#"value="web:1""#), "{question}");
    assert_eq!(asks(&stage, "set-image", "container=web&image=web:2").await.0, 200);
    // Events say of the pause before the rollout that was read ahead of them does.
    let page = stage.until_page_says("/rollouts/shop/web", "the pause step waits for a promotion").await;
    for shown in ["web:2", "wait until promoted", "Revision 2", "50 %"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }

    let question = stage.page("/rollouts/shop/web/do/promote").await;
    assert!(question.contains("Its pause (CanaryPauseStep) ends, and it goes on."), "{question}");
    let promotion = form(&stage, "promote", "").await;
    let (status, said) = send(&stage, "promote", promotion.clone()).await;
    assert!(status == 200 && said.contains("rollout 'web' promoted"), "{status} {said}");
    stage.until_page_says("/rollouts?status=Healthy", "/rollouts/shop/web").await;

    // What was sent is sent again, as by a browser that goes back.
    let (status, said) = send(&stage, "promote", promotion).await;
    assert!(status == 409 && said.contains("Nothing was done: it has gone on since you were asked"), "{status} {said}");

    let question = stage.page("/rollouts/shop/web/do/undo?revision=1").await;
    assert!(question.contains("The pod template of revision 1 is put back"), "{question}");
    assert_eq!(asks(&stage, "undo", "revision=1").await.0, 200);
    stage.until_page_says("/rollouts?status=Paused", "/rollouts/shop/web").await;
    let (_, said) = asks(&stage, "abort", "").await;
    assert!(said.contains("aborted"), "{said}");
    stage.until_page_says("/rollouts/shop/web", "RolloutAborted").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_done_is_said_with_its_reason() {
    let stage = Stage::new(OWN).await;
    stage.rollout("shop", "web").await;
    stage.until_page_says("/rollouts", "/rollouts/shop/web").await;
    for (action, form, status, why) in [
        ("undo", "revision=7", 409, "unable to find revision 7"),
        ("set-image", "container=wbe&image=web:2", 409, "unable to find container named"),
        ("set-image", "container=web&image=", 409, "name a container and its image"),
        ("explode", "", 404, "nothing can be asked by the name"),
    ] {
        let (answered, said) = asks(&stage, action, form).await;
        assert!(answered == status && said.contains(why), "{action}: {answered} {said}");
    }
    let before = stage.read("shop", "web").await;
    let (answered, said) = send(&stage, "pause", String::new()).await;
    assert!(answered == 409 && said.contains("it has gone on since you were asked"), "{answered} {said}");
    assert_eq!(stage.read("shop", "web").await, before, "nobody was asked");
    let missing = stage.asked(Method::POST, "/rollouts/shop/nope/do/abort");
    let missing = missing.header("content-type", "application/x-www-form-urlencoded").send().await.expect("an answer");
    assert_eq!(missing.status(), 404);
    let said = text(missing).await;
    assert!(said.contains("not found") && !said.contains("Status {"), "{said}");
    assert!(stage.page("/rollouts/shop/nope").await.contains("there is no rollout"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_of_the_cluster_stay_texts() {
    let stage = Stage::new(OWN).await;
    let mut hostile = rollout("shop", "web");
    hostile["spec"]["template"]["spec"]["containers"][0]["image"] = json!("<script>alert(1)</script>");
    stage.apply(&hostile).await;
    stage.until_page_says("/rollouts", "/rollouts/shop/web").await;
    for path in [
        "/rollouts/shop/web",
        "/rollouts/shop/web/do/set-image",
        "/rollouts?search=%3Cscript%3E",
        "/rollouts/%3Cscript%3E/x",
    ] {
        let page = stage.page(path).await;
        assert!(page.matches("<script").count() == 1, "{path}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_forbids_what_no_page_needs() {
    let stage = Stage::new(OWN).await;
    for path in ["/rollouts", "/nothing", "/assets/sluice.js", "/login", "/api/v1/version", "/rollouts/shop/nope"] {
        let answer = stage.asked(Method::GET, path).send().await.expect("an answer");
        let policy = answer.headers()["content-security-policy"].to_str().expect("text").to_owned();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_may_not_see_is_not_told_as_if_it_were_not_there() {
    let stage = Stage::new(SHARED).await;
    stage.control();
    stage.rollout("shop", "web").await;
    let rollouts = json!({"apiGroups": ["argoproj.io"], "resources": ["*"], "verbs": ["*"]});
    let rest = json!({"apiGroups": ["", "apps"], "resources": ["replicasets", "pods", "events"], "verbs": ["list"]});
    let all = stage.token("all", &json!([rollouts, rest])).await;
    let some = stage.token("some", &json!([rollouts])).await;
    stage.until_seen("/rollouts/shop/web", &all).await;
    let sees = async |path: &str, token: &str| {
        text(stage.asked(Method::GET, path).bearer_auth(token).send().await.expect("an answer")).await
    };
    let start = tokio::time::Instant::now();
    while !sees("/rollouts/shop/web", &all).await.contains("Revision 1") {
        assert!(start.elapsed() < Duration::from_mins(1), "there is no revision");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let page = sees("/rollouts/shop/web", &all).await;
    assert!(!page.contains("Not shown, as you may not"), "{page}");

    let page = sees("/rollouts/shop/web", &some).await;
    let told = "Not shown, as you may not list it in this namespace: replicasets, pods.";
    assert!(page.contains(told) && !page.contains("Revision 1"), "{page}");
    assert!(page.contains("What was said of it is not known"), "{page}");
    let question = sees("/rollouts/shop/web/do/undo", &some).await;
    assert!(question.contains("its revisions are its ReplicaSets, which you may not list here"), "{question}");
}

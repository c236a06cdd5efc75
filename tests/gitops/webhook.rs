//! Git platforms tell of pushes.

use std::fmt::Write as _;

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::story::{Story, automated, setting};

/// What a platform sends.
struct Call {
    body: String,
    headers: Vec<(&'static str, String)>,
}

fn signed(secret: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::sign(&key, body.as_bytes()).as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn push(s: &Story, changed: &[&str]) -> Value {
    json!({
        "ref": "refs/heads/main", "before": "c1", "forced": false, "created": false, "total_commits": 1,
        "repository": { "clone_url": s.git.url(), "default_branch": "main" },
        "commits": [{ "added": [], "removed": [], "modified": changed }],
    })
}

fn of_github(s: &Story, changed: &[&str], secret: &str) -> Call {
    let body = push(s, changed).to_string();
    let headers = vec![
        ("X-GitHub-Event", "push".to_owned()),
        ("X-Hub-Signature-256", format!("sha256={}", signed(secret, &body))),
    ];
    Call { body, headers }
}

async fn send(s: &Story, call: Call) -> (u16, String) {
    let mut request = reqwest::Client::new().post(format!("http://{}/api/webhook", s.webhook())).body(call.body);
    for (name, value) in call.headers {
        request = request.header(name, value);
    }
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("a text"))
}

/// Sends it until the controller knows the secret.
async fn until_heard(s: &Story, call: impl Fn() -> Call) -> String {
    for _ in 0..600 {
        let (status, said) = send(s, call()).await;
        match status {
            200 => return said,
            401 | 403 => s.pause().await,
            other => panic!("{other}: {said}"),
        }
    }
    panic!("the secret is never known");
}

async fn secret(s: &Story, name: &str, labels: Value, data: Value) {
    let metadata = json!({ "name": name, "namespace": s.namespace, "labels": labels });
    s.create(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data })).await;
}

fn of_repository() -> Value {
    json!({ "argocd.argoproj.io/secret-type": "repository" })
}

pub async fn a_webhook_tells_those_who_read_what_has_changed(s: Story) {
    secret(&s, "door", of_repository(), json!({ "url": s.git.url(), "webhookSecret": "sesame" })).await;
    s.git.write("app/color.yaml", &setting("color", "blue")).write("other/size.yaml", &setting("size", "small"));
    let first = s.git.commit("Both");
    let colors = s.application("colors", automated(true, true)).await;
    let mut changes = automated(true, true);
    changes["spec"]["source"] = json!({ "path": "other" });
    let sizes = s.application("sizes", changes).await;
    s.synced(&colors, &first).await;
    s.synced(&sizes, &first).await;
    let before = s.applications().get(&sizes).await.expect("it is there").metadata.resource_version;

    s.git.write("app/color.yaml", &setting("color", "red"));
    let second = s.git.commit("Another color");
    let said = until_heard(&s, || of_github(&s, &["app/color.yaml"], "sesame")).await;
    assert_eq!(said, "1 of 2 Applications look again");
    s.synced(&colors, &second).await;
    s.until_setting("color", Some("red")).await;
    let after = s.applications().get(&sizes).await.expect("it is there").metadata.resource_version;
    assert_eq!(before, after, "what has not changed for it is none of its business");

    // GitLab says it in other words; what is not told is looked for everywhere.
    s.git.write("other/size.yaml", &setting("size", "large"));
    let third = s.git.commit("Another size");
    let body = json!({
        "ref": "refs/heads/main", "project": { "git_http_url": s.git.url(), "default_branch": "main" }, "commits": [],
    });
    let headers = vec![("X-Gitlab-Event", "Push Hook".to_owned()), ("X-Gitlab-Token", "sesame".to_owned())];
    let (status, said) = send(&s, Call { body: body.to_string(), headers }).await;
    assert_eq!((status, said.as_str()), (200, "2 of 2 Applications look again"));
    s.synced(&sizes, &third).await;
}

pub async fn a_webhook_that_is_not_signed_is_refused(s: Story) {
    let mut changes = automated(true, true);
    s.git.write("app/color.yaml", &setting("color", "blue"));
    let first = s.git.commit("A color");
    changes["metadata"] = json!({ "annotations": { "argocd.argoproj.io/manifest-generate-paths": "." } });
    let app = s.application("colors", changes).await;
    s.synced(&app, &first).await;
    let (status, said) = send(&s, of_github(&s, &["app/color.yaml"], "sesame")).await;
    assert_eq!(status, 403);
    assert!(said.contains("webhookSecret") && said.contains("webhook.github.secret"), "{said}");

    // One secret for all of a platform, as Argo CD has it, and one of a repository's own, which counts there instead.
    secret(&s, "argocd-secret", json!({}), json!({ "webhook.gogs.secret": "all" })).await;
    let of_gitea = |secret: &str| {
        let body = push(&s, &["app/color.yaml"]).to_string();
        let signature = signed(secret, &body);
        // Gitea sends GitHub's headers beside its own.
        let headers =
            [("X-GitHub-Event", "push"), ("X-Gitea-Event", "push"), ("X-Gitea-Signature", signature.as_str())];
        Call { headers: headers.map(|(name, value)| (name, value.to_owned())).to_vec(), body }
    };
    assert_eq!(until_heard(&s, || of_gitea("all")).await, "1 of 1 Applications look again");
    assert_eq!(send(&s, of_github(&s, &["app/color.yaml"], "all")).await.0, 403);
    secret(&s, "door", of_repository(), json!({ "url": s.git.url(), "webhookSecret": "own" })).await;
    assert_eq!(until_heard(&s, || of_gitea("own")).await, "1 of 1 Applications look again");
    // A platform tries a new webhook with an event of another kind.
    let ping = Call { headers: ping(&of_gitea("own")), ..of_gitea("own") };
    assert_eq!(send(&s, ping).await, (200, "nothing is done about ping".to_owned()));
    let quiet = async || {
        let application = s.applications().get(&app).await.expect("it is there");
        let annotations = application.metadata.annotations.unwrap_or_default();
        (annotations.contains_key("argocd.argoproj.io/refresh"), application.metadata.resource_version)
    };
    while quiet().await.0 {
        s.pause().await;
    }
    s.wait(1).await;
    let before = quiet().await;
    // Who knows the secret of another repository asks for nothing here.
    let other = json!({ "url": "https://git.example.com/other.git", "webhookSecret": "other" });
    secret(&s, "other", of_repository(), other).await;
    let of_other = || {
        let mut body = push(&s, &["app/color.yaml"]);
        body["repository"]["html_url"] = "https://git.example.com/other".into();
        let body = body.to_string();
        let signature = ("X-Gitea-Signature", signed("other", &body));
        Call { headers: vec![("X-Gitea-Event", "push".to_owned()), signature], body }
    };
    assert_eq!(until_heard(&s, of_other).await, "0 of 1 Applications look again");
    for (call, expected) in [
        (of_gitea("all"), 401),
        (of_gitea("guessed"), 401),
        (Call { headers: vec![("X-GitHub-Event", "push".to_owned())], ..of_gitea("own") }, 401),
        (Call { headers: Vec::new(), ..of_gitea("own") }, 400),
        (Call { body: "{".to_owned(), ..of_gitea("own") }, 400),
        (Call { body: "x".repeat(11 << 20), ..of_gitea("own") }, 413),
    ] {
        let (status, said) = send(&s, call).await;
        assert_eq!(status, expected, "{said}");
    }
    s.wait(1).await;
    assert_eq!(quiet().await, before, "nothing was asked for");
}

fn ping(call: &Call) -> Vec<(&'static str, String)> {
    let event = |(name, value): &(&'static str, String)| {
        (*name, if name.ends_with("Event") { "ping".to_owned() } else { value.clone() })
    };
    call.headers.iter().map(event).collect()
}

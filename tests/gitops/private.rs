//! Repositories that ask who is there.

use serde_json::json;

use crate::server::{LOGIN, Server};
use crate::story::{Story, automated, setting};

pub async fn a_private_repository_is_read_over_https_with_a_token(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue"));
    let commit = s.git.commit("Blue");
    let server = Server::start(&s.git.path()).await;
    let mut changes = automated(false, false);
    changes["spec"]["source"] = json!({ "repoURL": server.url });
    let app = s.application("private", changes).await;
    let message = s.condition(&app, "ComparisonError").await;
    assert!(message.contains("certificate"), "nobody vouches for the server yet: {message}");

    let labels = json!({ "app.kubernetes.io/part-of": "argocd" });
    let metadata = json!({ "name": "argocd-tls-certs-cm", "labels": labels });
    s.create(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": { "localhost": server.certificate } })).await;
    s.until(&app, "refused for its missing login", |status| {
        status["conditions"][0]["message"].as_str().is_some_and(|message| !message.contains("certificate"))
    })
    .await;

    let metadata = json!({ "name": "colors", "labels": { "argocd.argoproj.io/secret-type": "repo-creds" } });
    let url = server.url.trim_end_matches("colors.git");
    let data = json!({ "url": url, "username": LOGIN.0, "password": LOGIN.1 });
    s.create(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data })).await;
    let status = s.synced(&app, &commit).await;
    assert_eq!(s.setting("color").await.as_deref(), Some("blue"));
    assert!(!status.to_string().contains(LOGIN.1));
}

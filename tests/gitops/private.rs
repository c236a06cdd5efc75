//! Repositories that ask who is there.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde_json::json;
use sluice::gitops::git::{Credentials, Store};

use crate::repository::Repository;
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

/// A store of what a server has, in a folder.
fn store(server: &Server, folder: &Path) -> Store {
    let login = Some((LOGIN.0.to_owned(), LOGIN.1.to_owned()));
    Store::new(&server.url, folder, Credentials { login, insecure: true, ..Credentials::default() })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("it comes back")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_is_not_given_to_another_server_to_which_one_leads() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (git, folder) = (Repository::new(), tempfile::tempdir().expect("a folder"));
    git.write("app/color.yaml", &setting("color", "blue")).commit("Blue");
    let other = Server::start(&git.path()).await;
    let server = Server::leading_to(&other).await;
    let (own, led) = (store(&other, &folder.path().join("own")), store(&server, &folder.path().join("led")));
    assert!(blocking(move || own.names()).await.is_ok(), "with the login it answers");
    let why = blocking(move || led.names()).await.expect_err("without it does not");
    assert!(!why.contains(LOGIN.1), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_was_cut_short_is_made_anew() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (git, folder) = (Repository::new(), tempfile::tempdir().expect("a folder"));
    git.write("app/color.yaml", &setting("color", "blue"));
    let commit = git.commit("Blue").parse().expect("a commit");
    let server = Server::start(&git.path()).await;
    let copy = folder.path().join("copy");
    // Somebody died while it was made.
    std::fs::create_dir_all(copy.join("hooks")).expect("a folder");
    std::fs::write(copy.join("description"), "half").expect("a file");
    let fetch = async || {
        let store = store(&server, &copy);
        blocking(move || {
            let fetched = store.fetch(commit, commit, "refs/heads/main", &AtomicBool::new(false));
            fetched.map(|()| store.has(commit))
        })
        .await
    };
    assert_eq!(fetch().await, Ok(true));
    // Somebody died before what had come was on disk.
    for pack in std::fs::read_dir(copy.join("objects/pack")).expect("packs").flatten() {
        std::fs::write(pack.path(), "").or_else(|_| std::fs::remove_file(pack.path())).expect("it goes");
    }
    assert_eq!(fetch().await, Ok(true));
}

//! Repositories behind SSH: whom the controller lets in on the other side, and who lets it in.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::ssh_server::SshServer;
use crate::story::{Story, automated, setting};

const KNOWN_HOSTS: &str = "argocd-ssh-known-hosts-cm";

/// A repository with one setting; its commit, and its server.
async fn served(s: &Story) -> (String, SshServer) {
    s.git.write("app/color.yaml", &setting("color", "blue"));
    let commit = s.git.commit("Blue");
    (commit, SshServer::start(&s.git.path()).await)
}

/// An Application of what a server has.
async fn application(s: &Story, server: &SshServer) -> String {
    let mut changes = automated(false, false);
    changes["spec"]["source"] = json!({ "repoURL": server.url(".git") });
    s.application("colors", changes).await
}

/// Says how the server is reached, by a Secret with these entries beside its URL.
async fn secret(s: &Story, server: &SshServer, entries: serde_json::Value) {
    let mut data = json!({ "url": server.url(".git") });
    json_patch::merge(&mut data, &entries);
    let metadata = json!({ "name": "colors", "labels": { "argocd.argoproj.io/secret-type": "repository" } });
    s.create(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data })).await;
}

/// Says by which lines hosts are known.
async fn known_hosts(s: &Story, lines: &str) {
    let metadata = json!({ "name": KNOWN_HOSTS, "labels": { "app.kubernetes.io/part-of": "argocd" } });
    let data = json!({ "ssh_known_hosts": lines });
    s.create(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data })).await;
}

/// Waits for a `ComparisonError` that says this.
async fn refused(s: &Story, app: &str, why: &str) -> String {
    let message = |status: &serde_json::Value| {
        let conditions = status["conditions"].as_array()?.iter();
        let messages =
            conditions.filter(|one| one["type"] == "ComparisonError").filter_map(|one| one["message"].as_str());
        messages.filter(|message| message.contains(why)).map(str::to_owned).next()
    };
    let status = s.until(app, &format!("refused: {why}"), |status| message(status).is_some()).await;
    message(&status).expect("a message")
}

pub async fn a_repository_behind_ssh_is_read_with_a_key(s: Story) {
    let (first, server) = served(&s).await;
    known_hosts(&s, &server.known()).await;
    secret(&s, &server, json!({ "sshPrivateKey": server.user_key() })).await;
    let app = application(&s, &server).await;
    s.synced(&app, &first).await;
    s.git.write("app/color.yaml", &setting("color", "green"));
    let second = s.git.commit("Green");
    s.synced(&app, &second).await;
    s.until_setting("color", Some("green")).await;
    // A key is on disk only while the server is asked, which it is at every poll.
    s.delete("argoproj.io/v1alpha1", "Application", &app).await;
    let begun = tokio::time::Instant::now();
    while let Some(file) = file_with_a_key(&s.folder()) {
        assert!(begun.elapsed().as_secs() < 60, "a key is still in {}", file.display());
        s.wait(1).await;
    }
}

/// A server that is as it comes gives out what it has a name for, and nothing else: of such a tag that is not the commit.
pub async fn a_tag_with_a_text_of_its_own_is_fetched_from_any_server(s: Story) {
    let (first, server) = served(&s).await;
    s.git.git(&["tag", "--annotate", "--message", "The first", "v1.0.0"]);
    s.git.write("app/color.yaml", &setting("color", "green")).commit("Green");
    known_hosts(&s, &server.known()).await;
    secret(&s, &server, json!({ "sshPrivateKey": server.user_key() })).await;
    let app = application(&s, &server).await;
    let tag = json!({ "spec": { "source": { "targetRevision": "1.*" } } });
    s.patch("argoproj.io/v1alpha1", "Application", &app, tag).await;
    s.synced(&app, &first).await;
}

/// A file with a private key in a folder, however deep.
fn file_with_a_key(folder: &Path) -> Option<PathBuf> {
    // What goes while it is looked at is not there.
    std::fs::read_dir(folder).into_iter().flatten().flatten().find_map(|entry| match entry.path() {
        path if path.is_dir() => file_with_a_key(&path),
        path => {
            let content = std::fs::read(&path).unwrap_or_default();
            String::from_utf8_lossy(&content).contains("PRIVATE KEY").then_some(path)
        }
    })
}

pub async fn a_host_that_nobody_vouches_for_is_refused(s: Story) {
    let (commit, server) = served(&s).await;
    let other = SshServer::start(&s.git.path()).await;
    secret(&s, &server, json!({ "sshPrivateKey": server.user_key() })).await;
    let app = application(&s, &server).await;
    let message = refused(&s, &app, "nobody vouches for the host").await;
    assert!(message.contains(KNOWN_HOSTS) && message.contains("`ssh-keyscan -p "), "{message}");
    // Somebody may be in between.
    known_hosts(&s, &server.known_by(&other)).await;
    let message = refused(&s, &app, "the host shows another key than").await;
    assert!(message.contains(KNOWN_HOSTS) && message.contains("SHA256:"), "{message}");
    assert_eq!(s.setting("color").await, None);
    let known = json!({ "data": { "ssh_known_hosts": server.known() } });
    s.patch("v1", "ConfigMap", KNOWN_HOSTS, known).await;
    s.synced(&app, &commit).await;
}

pub async fn a_key_that_the_host_does_not_take_is_refused(s: Story) {
    let (commit, server) = served(&s).await;
    let other = SshServer::start(&s.git.path()).await;
    known_hosts(&s, &server.known()).await;
    let app = application(&s, &server).await;
    let message = refused(&s, &app, "the host lets nobody in without a key").await;
    assert!(message.contains("sshPrivateKey"), "{message}");
    secret(&s, &server, json!({ "sshPrivateKey": other.user_key() })).await;
    let message = refused(&s, &app, "the host does not let the key").await;
    assert!(message.contains("Permission denied (publickey)"), "{message}");
    let nonsense = json!({ "stringData": { "sshPrivateKey": "nonsense" } });
    s.patch("v1", "Secret", "colors", nonsense).await;
    refused(&s, &app, "Load key").await;
    s.patch("v1", "Secret", "colors", json!({ "stringData": { "sshPrivateKey": server.user_key() } })).await;
    s.synced(&app, &commit).await;
}

pub async fn any_host_is_good_where_that_was_asked_for(s: Story) {
    let (commit, server) = served(&s).await;
    secret(&s, &server, json!({ "sshPrivateKey": server.user_key(), "insecure": "true" })).await;
    let app = application(&s, &server).await;
    s.synced(&app, &commit).await;
}

pub async fn what_the_host_says_of_a_repository_that_is_not_there_is_told(s: Story) {
    let (_, server) = served(&s).await;
    known_hosts(&s, &server.known()).await;
    secret(&s, &server, json!({ "sshPrivateKey": server.user_key() })).await;
    let app = application(&s, &server).await;
    let elsewhere = json!({ "spec": { "source": { "repoURL": server.url("elsewhere.git") } } });
    s.patch("argoproj.io/v1alpha1", "Application", &app, elsewhere).await;
    let data = json!({ "stringData": { "url": server.url("elsewhere.git") } });
    s.patch("v1", "Secret", "colors", data).await;
    refused(&s, &app, "there is no repository \"/elsewhere.git\"").await;
}

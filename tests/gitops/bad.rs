//! What can go wrong: it is named, and nothing is lost.

use serde_json::json;

use crate::server::{LOGIN, Server};
use crate::story::{Story, automated, setting};

pub async fn a_broken_manifest_is_named_with_its_line_and_nothing_is_touched(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue")).write("app/size.yaml", &setting("size", "small"));
    let good = s.git.commit("Good");
    let app = s.application("colors", automated(true, true)).await;
    s.synced(&app, &good).await;
    s.git
        .write("app/color.yaml", &setting("color", "red"))
        .write("app/size.yaml", "kind: ConfigMap\ndata: [\n")
        .commit("Broken");
    let message = s.condition(&app, "ComparisonError").await;
    assert!(message.contains("size.yaml:"), "{message}");
    s.wait(2).await;
    assert_eq!(s.setting("color").await.as_deref(), Some("blue"));
    assert!(s.setting("size").await.is_some());
    let status = s.status(&app).await;
    assert_eq!((&status["sync"]["status"], &status["resources"][0]["name"]), (&json!("Unknown"), &json!("color")));

    s.git.write("app/size.yaml", &setting("size", "large"));
    let mended = s.git.commit("Mended");
    let status = s.synced(&app, &mended).await;
    assert_eq!(status["conditions"], json!(null));
}

pub async fn an_empty_folder_takes_nothing_away(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue"));
    let good = s.git.commit("Good");
    let app = s.application("colors", automated(true, true)).await;
    s.synced(&app, &good).await;
    s.git.remove("app/color.yaml").write("app/README.md", "Nothing is left").commit("Emptied");
    let message = s.condition(&app, "SyncError").await;
    assert!(message.contains("will wipe out all resources"), "{message}");
    s.wait(2).await;
    assert_eq!(s.setting("color").await.as_deref(), Some("blue"));

    let allowed = json!({ "spec": { "syncPolicy": { "automated": { "allowEmpty": true } } } });
    s.patch("argoproj.io/v1alpha1", "Application", &app, allowed).await;
    s.until_setting("color", None).await;
}

pub async fn a_missing_folder_or_branch_is_named(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue")).commit("Good");
    let folder = s.application("folder", json!({ "spec": { "source": { "path": "elsewhere" } } })).await;
    let message = s.condition(&folder, "ComparisonError").await;
    assert!(message.contains("there is no folder \"elsewhere\" in commit"), "{message}");
    let branch = s.application("branch", json!({ "spec": { "source": { "targetRevision": "gone" } } })).await;
    let message = s.condition(&branch, "ComparisonError").await;
    assert!(message.contains("no branch, tag or commit \"gone\""), "{message}");
    let outside = s.application("outside", json!({ "spec": { "source": { "path": "../secrets" } } })).await;
    let message = s.condition(&outside, "ComparisonError").await;
    assert!(message.contains("there is no folder \"../secrets\""), "{message}");
}

pub async fn what_is_not_supported_yet_holds_the_application_and_says_so(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue")).write("hurry/late.yaml", &late());
    s.git.commit("Good");
    let mut changes = automated(true, true);
    changes["spec"]["source"] = json!({ "kustomize": { "version": "v5" } });
    changes["spec"]["syncPolicy"]["syncOptions"] = json!(["Hurry=true"]);
    let app = s.application("held", changes).await;
    let status = s.until(&app, "held", |status| status["conditions"].as_array().map(Vec::len) == Some(2)).await;
    let messages: Vec<_> = (0..2).map(|index| status["conditions"][index]["message"].clone()).collect();
    assert_eq!(
        messages,
        ["the sync option Hurry=true is not supported yet", "spec.source.kustomize.version is not supported yet"]
    );
    let mut changes = automated(false, false);
    changes["spec"]["source"] = json!({ "path": "hurry" });
    let app = s.application("hurry", changes).await;
    let message = s.condition(&app, "ComparisonError").await;
    let expected = "/ConfigMap/late (late.yaml): the sync option Hurry=true is not supported yet";
    assert!(message.contains(expected), "{message}");
    s.wait(2).await;
    assert_eq!((s.setting("color").await, s.setting("late").await), (None, None));
}

fn late() -> String {
    setting("late", "yes")
        .replace("  name: late\n", "  name: late\n  annotations:\n    argocd.argoproj.io/sync-options: Hurry=true\n")
}

pub async fn what_the_cluster_refuses_is_named_and_nothing_else_is_applied(s: Story) {
    s.git
        .write("app/color.yaml", &setting("color", "blue"))
        .write("app/size.yaml", &setting("Size_1", "small"))
        .commit("A bad name");
    let app = s.application("colors", automated(false, false)).await;
    let message = s.condition(&app, "ComparisonError").await;
    assert!(message.contains("/ConfigMap/Size_1 (size.yaml)") && message.contains("lowercase RFC 1123"), "{message}");
    s.wait(2).await;
    assert_eq!(s.setting("color").await, None);
}

pub async fn a_repository_that_is_not_there_concerns_its_own_application_alone(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue"));
    let commit = s.git.commit("Good");
    let bad = json!({ "spec": { "source": { "repoURL": "file:///there/is/none" } } });
    let lost = s.application("lost", bad).await;
    let app = s.application("colors", automated(false, false)).await;
    s.synced(&app, &commit).await;
    let message = s.condition(&lost, "ComparisonError").await;
    assert!(message.starts_with("file:///there/is/none: cannot list the branches and tags"), "{message}");
}

pub async fn a_git_server_that_hangs_concerns_its_own_application_alone(s: Story) {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/colors.git", silent.local_addr().expect("an address"));
    let stuck = s.application("stuck", json!({ "spec": { "source": { "repoURL": url } } })).await;
    let (held, _) = silent.accept().await.expect("somebody asks");
    s.git.write("app/color.yaml", &setting("color", "blue"));
    let commit = s.git.commit("Good");
    let app = s.application("colors", automated(false, true)).await;
    s.synced(&app, &commit).await;
    s.delete("v1", "ConfigMap", "color").await;
    s.until_setting("color", Some("blue")).await;
    assert_eq!(s.status(&stuck).await, json!(null), "nothing is known of it");
    drop(held);
    let message = s.condition(&stuck, "ComparisonError").await;
    assert!(message.starts_with(&format!("{url}: cannot list the branches and tags")), "{message}");
}

/// The limit is ten MiB.
pub async fn hostile_files_are_refused_by_name(s: Story) {
    let laugh = |level: usize| format!("a{level}: &a{level} [{}]", vec![format!("*a{}", level - 1); 10].join(", "));
    let laughs = (1..12).map(laugh).collect::<Vec<_>>().join("\n");
    s.git.write("app/color.yaml", &setting("color", "blue"));
    s.git.write(
        "bomb/all.yaml",
        &format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: bomb}}\na0: &a0 lol\n{laughs}"),
    );
    s.git.write("large/all.yaml", &setting("large", &"x".repeat(11 << 20)));
    s.git.write("deep/all.yaml", &"[".repeat(100_000));
    s.git.write("link/README", "A link beside it");
    std::os::unix::fs::symlink("/etc/passwd", s.git.path().join("link/passwd.yaml")).expect("a link");
    let commit = s.git.commit("Hostile");
    let app = s.application("colors", automated(false, false)).await;
    for (path, file, why) in [
        ("bomb", "all.yaml", ""),
        ("deep", "all.yaml", ""),
        ("large", "all.yaml", "more than 10 MiB"),
        ("link", "passwd.yaml", "is a symbolic link to \"/etc/passwd\", which leads out of the repository"),
    ] {
        let name = s.application(path, json!({ "spec": { "source": { "path": path } } })).await;
        let message = s.condition(&name, "ComparisonError").await;
        assert!(message.contains(file) && message.contains(why) && message.len() < 1_000, "{message}");
    }
    s.synced(&app, &commit).await;
}

/// Were it skipped, what it brought before would be pruned.
pub async fn a_submodule_holds_what_it_would_bring(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue")).write("app/base/size.yaml", &setting("size", "small"));
    let first = s.git.commit("A folder");
    let mut changes = automated(true, true);
    changes["spec"]["source"] = json!({ "directory": { "recurse": true } });
    let app = s.application("colors", changes).await;
    s.synced(&app, &first).await;
    s.git.git(&["rm", "--quiet", "-r", "app/base"]);
    s.git.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{first},app/base")]);
    s.git.git(&["commit", "--quiet", "--message", "A submodule"]);
    let message = s.condition(&app, "ComparisonError").await;
    assert!(message.contains("the submodule app/base: there is no file .gitmodules"), "{message}");
    s.wait(2).await;
    assert!(s.setting("size").await.is_some());
}

pub async fn what_a_secret_holds_is_in_no_message(s: Story) {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: door\nstringData:\n  code: 8675309\n";
    s.git.write("app/door.yaml", secret).commit("A number");
    let app = s.application("door", automated(false, false)).await;
    let message = s.condition(&app, "ComparisonError").await;
    assert!(message.contains("Secret/door"), "{message}");
    s.wait(2).await;
    assert!(!s.status(&app).await.to_string().contains("8675309"));
}

/// Two hundred MiB, of which there is little where they are packed. The server can leave out what is not asked for, as most do.
pub async fn a_file_that_is_too_large_is_refused_and_not_read(s: Story) {
    s.git.git(&["config", "uploadpack.allowFilter", "true"]);
    s.git.write("app/color.yaml", &setting("color", "blue"));
    let file = s.git.write("huge/README.md", "Too much").path().join("huge/all.yaml");
    std::fs::File::create(file).and_then(|file| file.set_len(200 << 20)).expect("a file");
    let first = s.git.commit("Huge");
    let before = memory();
    let server = Server::start(&s.git.path()).await;
    let metadata = json!({ "name": "door", "labels": { "argocd.argoproj.io/secret-type": "repository" } });
    let door = json!({ "url": server.url, "username": LOGIN.0, "password": LOGIN.1, "insecure": "true" });
    s.create(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": door })).await;
    let mut changes = automated(false, false);
    changes["spec"]["source"] = json!({ "repoURL": server.url });
    let app = s.application("colors", changes.clone()).await;
    changes["spec"]["source"]["path"] = "huge".into();
    let huge = s.application("huge", changes).await;
    let is_named = |status: &serde_json::Value| status.to_string().contains("all.yaml");
    let message = s.until(&huge, "refused", is_named).await.to_string();
    assert!(message.contains("all.yaml has 100 MiB or more, and is not fetched"), "{message}");
    s.synced(&app, &first).await;
    s.git.write("app/color.yaml", &setting("color", "green"));
    let second = s.git.commit("Green");
    s.synced(&app, &second).await;
    // Other stories go on beside this one.
    assert!(memory() < before + (180 << 10), "{before} KiB have become {} KiB", memory());
}

/// The most memory that this process has had, in KiB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the status of this process");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    peak.trim().trim_end_matches(" kB").parse().expect("a number")
}

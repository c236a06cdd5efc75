//! Secrets in Git: encrypted by SOPS for age, and opened while they are rendered.

use serde_json::{Value, json};

use crate::story::{Story, automated, setting};

/// Files that SOPS itself has encrypted: see `tests/sops`.
const SECRET: &str = include_str!("../sops/recorded/3.13.3/secret.yaml");
const OURS: &str = include_str!("../sops/ours.txt");
const THEIRS: &str = include_str!("../sops/theirs.txt");
const PASSWORD: &str = "correct horse battery staple";

async fn identity(s: &Story, name: &str, text: &str, project: Option<&str>) {
    let labels = json!({ "argocd.argoproj.io/secret-type": "sops-age" });
    let metadata = json!({ "name": name, "namespace": s.namespace, "labels": labels });
    let data = json!({ "keys.txt": text, "project": project });
    s.create(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data })).await;
}

/// The password of the Secret that was encrypted, as the API server has it.
async fn password(s: &Story) -> Option<Value> {
    Some(s.object("v1", "Secret", "shop").await?["data"]["password"].clone())
}

pub async fn a_secret_in_git_is_opened_with_an_identity(s: Story) {
    s.git.write("app/secret.yaml", SECRET).write("app/color.yaml", &setting("color", "blue"));
    let first = s.git.commit("A secret");
    let app = s.application("secret", automated(true, true)).await;
    // Nobody can open it: nothing is applied, and the recipients are named.
    let message = s.condition(&app, "ComparisonError").await;
    assert!(message.contains("secret.yaml") && message.contains("age1"), "{message}");
    assert_eq!((s.setting("color").await, password(&s).await), (None, None));

    identity(&s, "theirs", THEIRS, None).await;
    identity(&s, "elsewhere", OURS, Some("other")).await;
    s.wait(2).await;
    assert_eq!(password(&s).await, None, "an identity of another project opens nothing");

    identity(&s, "ours", OURS, None).await;
    s.synced(&app, &first).await;
    assert_eq!(password(&s).await, Some(json!("Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ==")));
    assert_eq!(s.kept("correct horse"), Vec::<String>::new(), "nothing of it is on disk");
    assert!(!s.status(&app).await.to_string().contains(PASSWORD));

    // What was tampered with is not applied.
    s.git.write("app/secret.yaml", &SECRET.replacen("lastmodified: \"2026", "lastmodified: \"2025", 1));
    s.git.commit("Tampered with");
    let message = s.condition(&app, "ComparisonError").await;
    assert!(message.contains("secret.yaml"), "{message}");
    assert!(password(&s).await.is_some());
}

pub async fn what_a_program_renders_is_opened_before(s: Story) {
    identity(&s, "ours", OURS, None).await;
    s.git
        .write("app/kustomization.yaml", "resources: [secret.yaml]\nnamePrefix: my-\n")
        .write("app/secret.yaml", SECRET);
    let first = s.git.commit("A folder of Kustomize");
    let app = s.application("secret", automated(true, true)).await;
    s.synced(&app, &first).await;
    let secret = s.object("v1", "Secret", "my-shop").await.expect("it is there");
    assert_eq!(secret["data"]["password"], "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ==");
    assert_eq!(s.kept("correct horse"), Vec::<String>::new(), "nothing of it is on disk");

    // A program's complaint may repeat what it was given.
    s.git.write("app/kustomization.yaml", "resources: [secret.yaml, missing.yaml]\n").commit("Broken");
    let message = s.condition(&app, "ComparisonError").await;
    assert!(message.contains("Kustomize failed") && !message.contains("correct"), "{message}");
}

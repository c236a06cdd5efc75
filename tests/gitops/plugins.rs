//! Render plugins: programs of the operator's own, which put into manifests what is not in Git.

use std::path::Path;

use serde_json::{Value, json};
use sluice::gitops::Programs;

use crate::story::{Story, automated, setting};

const EXAMPLE: &str = include_str!("../../examples/gitops/plugins.yaml");

/// A plugin that is a script.
fn plugin(name: &str, annotations: &Value, script: &str) -> String {
    let metadata = json!({ "name": name, "annotations": annotations });
    let spec = json!({ "generate": { "command": ["sh", "-ec"], "args": [script] } });
    json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "ConfigManagementPlugin", "metadata": metadata, "spec": spec })
        .to_string()
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(folder.join(name), text).expect("a file");
}

async fn with(s: Story, plugins: &Path) -> Story {
    s.with(Programs { plugins: Some(plugins.to_owned()), ..Programs::default() }).await
}

fn asks(said: &Value) -> Value {
    let mut changes = automated(true, true);
    changes["spec"]["source"] = json!({ "plugin": said });
    changes
}

pub async fn a_plugin_fills_in_what_is_not_in_git(s: Story) {
    let folder = tempfile::tempdir().expect("a folder");
    let (plugins, secrets) = (folder.path().join("plugins"), folder.path().join("secrets"));
    let example: Value = serde_saphyr::from_str(EXAMPLE).expect("YAML");
    let text = example["data"]["fill-in.yaml"].as_str().expect("a file");
    write(&plugins, "fill-in.yaml", &text.replace("/etc/sluice/secrets", &secrets.display().to_string()));
    write(&secrets, "password", "correct & horse");
    let s = with(s, &plugins).await;
    s.git.write("app/color.yaml", &setting("color", "<password> of <nobody>")).write("app/fill-in", "");
    // To whoever takes it for one, this is an option.
    s.git.write("app/--odd.yaml", &setting("odd", "there"));
    let first = s.git.commit("A place for a secret");
    let app = s.application("filled", asks(&json!({ "name": "fill-in" }))).await;
    let status = s.synced(&app, &first).await;
    assert_eq!(status["sourceType"], "Plugin");
    assert_eq!(s.setting("color").await.as_deref(), Some("correct & horse of <nobody>"));
    assert_eq!(s.setting("odd").await.as_deref(), Some("there"));
    assert_eq!((s.kept("correct & horse"), s.renders()), (Vec::new(), Vec::new()), "nothing of it is on disk");
    let found = s.application("found", asks(&json!({}))).await;
    s.until(&found, "rendered", |status| status["sourceType"] == "Plugin").await;

    // It is not asked at each look, but when a person wants that.
    write(&secrets, "password", "battery staple");
    s.wait(3).await;
    assert_eq!(s.setting("color").await.as_deref(), Some("correct & horse of <nobody>"));
    let hard = json!({ "metadata": { "annotations": { "argocd.argoproj.io/refresh": "hard" } } });
    s.patch("argoproj.io/v1alpha1", "Application", &app, hard).await;
    s.until_setting("color", Some("battery staple of <nobody>")).await;
}

pub async fn a_plugin_is_told_of_its_application(s: Story) {
    let folder = tempfile::tempdir().expect("a folder");
    // What this process has, and a plugin has only if its file asks for it.
    let is_plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let own = ["PATH", "HOME", "TMPDIR", "KUBECONFIG", "GOMEMLIMIT", "_"];
    let mut all = std::env::vars().filter(|(name, value)| is_plain(name) && is_plain(value));
    let (name, value) =
        all.find(|(name, _)| !own.contains(&name.as_str()) && name != "PWD" && name != "SHLVL").expect("one");
    let script = |name: &str| {
        setting(
            name,
            "$ARGOCD_APP_NAME $ARGOCD_ENV_COLOR $PARAM_SIZE $PARAM_LIST_1 $PARAM_MAP_A_B [$VARIABLE] $REVISION",
        )
        .replace("$VARIABLE", &format!("${}", "{VARIABLE:-}"))
    };
    let script = |to: &str, revision: &str| {
        let text = script(to).replace("VARIABLE", &name).replace("$REVISION", revision);
        format!("cat <<END\n{text}END\ncat ../shared/more.yaml 2>/dev/null || true\n")
    };
    let given = json!({ "sluice.dev/environment": name });
    write(folder.path(), "given.yaml", &plugin("given", &given, &script("given", "")));
    write(folder.path(), "plain.yaml", &plugin("plain", &json!({}), &script("plain", "$ARGOCD_APP_REVISION_SHORT")));
    let s = with(s, folder.path()).await;
    s.git.write("app/README.md", "Nothing").write("shared/more.yaml", &format!("---\n{}", setting("more", "there")));
    let first = s.git.commit("Nothing but a plugin");
    let said = |name: &str| {
        let parameters = json!([
            { "name": "size", "string": "small" }, { "name": "list", "array": ["a", "b"] },
            { "name": "map", "map": { "a-b": "c" } },
        ]);
        let mut changes = asks(
            &json!({ "name": name, "env": [{ "name": "COLOR", "value": "of-$ARGOCD_APP_PROJECT_NAME" }], "parameters": parameters }),
        );
        if name == "given" {
            changes["metadata"]["annotations"] =
                json!({ "argocd.argoproj.io/manifest-generate-paths": ".;/shared/*.yaml" });
        }
        changes
    };
    let app = s.application("given", said("given")).await;
    s.synced(&app, &first).await;
    let expected = format!("{app} of-default small b c [{value}] ");
    assert_eq!(s.setting("given").await, Some(expected));
    assert_eq!(s.setting("more").await.as_deref(), Some("there"), "what the Application says that it reads is there");
    let app = s.application("plain", said("plain")).await;
    s.synced(&app, &first).await;
    assert_eq!(s.setting("plain").await, Some(format!("{app} of-default small b c [] {}", &first[..7])));
    // One whose file asks for the commit is run for each.
    let second = s.git.commit("Nothing of it");
    s.until_setting("plain", Some(&format!("{app} of-default small b c [] {}", &second[..7]))).await;
}

pub async fn a_plugin_that_fails_is_named(s: Story) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, script) in [
        ("fails", "echo the server of secrets is away >&2; exit 3"),
        ("rubbish", "echo 'a: b: hunter2'"),
        ("noise", "head -c 11000000 /dev/zero | tr '\\0' a"),
    ] {
        write(folder.path(), &format!("{name}.yaml"), &plugin(name, &json!({}), script));
    }
    s.git.write("app/color.yaml", &setting("color", "blue")).commit("A folder");
    let none = s.application("none", asks(&json!({ "name": "fails" }))).await;
    let message = s.condition(&none, "ComparisonError").await;
    assert!(message.contains("the controller has none: start it with --gitops-plugins"), "{message}");
    let s = with(s, folder.path()).await;
    for (name, expected) in [
        ("fails", "the plugin fails: sh: the server of secrets is away"),
        ("rubbish", "what the plugin prints is no YAML, and is not shown"),
        ("noise", "printed more than 10 MiB"),
        ("away", "there is no plugin \"away\"; there are fails, noise, rubbish"),
        ("", "no plugin is found by the files of the folder"),
    ] {
        let app = s.application(&format!("a{name}"), asks(&json!({ "name": name }))).await;
        let message = s.condition(&app, "ComparisonError").await;
        assert!(message.contains(expected) && !message.contains("hunter2"), "{message}");
    }
    assert_eq!(s.setting("color").await, None);
}

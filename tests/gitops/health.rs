//! Health that people write themselves: rules in CEL, which waves wait for.

use serde_json::{Value, json};

use crate::story::{Story, automated, setting};

/// As in the examples of cert-manager.
const RULE: &str = "\
failed: status.conditions.exists(c, c.type == 'Issuing' && c.reason == 'Failed')
current: status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')
message: status.conditions[0].message
";

fn rules(namespace: &str, data: &Value) -> Value {
    let labels = json!({ "app.kubernetes.io/part-of": "argocd" });
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "argocd-cm", "namespace": namespace, "labels": labels }, "data": data,
    })
}

/// A kind of the story's own.
fn definition(group: &str) -> Value {
    let schema = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("certificates.{group}") },
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": { "plural": "certificates", "singular": "certificate", "kind": "Certificate", "listKind": "CertificateList" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }],
        },
    })
}

fn health<'a>(status: &'a Value, kind: &str) -> &'a Value {
    let all = status["resources"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().find(|one| one["kind"] == kind).map_or(&Value::Null, |one| &one["health"])
}

pub async fn a_wave_waits_for_what_a_rule_in_cel_says(s: Story) {
    let group = format!("{}.example.com", s.namespace);
    s.create(definition(&group)).await;
    let key = format!("resource.customizations.health.{group}_Certificate");
    s.create(rules(&s.namespace, &json!({ key: RULE }))).await;
    let behind = "metadata:\n  annotations:\n    argocd.argoproj.io/sync-wave: \"1\"\n";
    s.git
        .write(
            "app/web.yaml",
            &format!("apiVersion: {group}/v1\nkind: Certificate\nmetadata:\n  name: web\nspec: {{}}\n"),
        )
        .write("app/behind.yaml", &setting("behind", "yes").replace("metadata:\n", behind));
    let commit = s.git.commit("A certificate, and what needs it");
    let app = s.application("shop", automated(true, true)).await;
    let waiting = format!("waiting for healthy state of {group}/Certificate/web");
    s.until(&app, "waiting", |status| status["operationState"]["message"] == *waiting).await;
    assert_eq!(s.setting("behind").await, None);

    let (kind, api_version) = ("Certificate", format!("{group}/v1"));
    let condition = |condition: Value| json!({ "status": { "conditions": [condition] } });
    let ready = json!({ "type": "Ready", "status": "True", "message": "up to date" });
    s.patch(&api_version, kind, "web", condition(ready)).await;
    let status = s.synced(&app, &commit).await;
    assert_eq!(s.setting("behind").await.as_deref(), Some("yes"));
    assert_eq!(*health(&status, kind), json!({ "status": "Healthy", "message": "up to date" }));

    let failed = json!({ "type": "Issuing", "status": "False", "reason": "Failed", "message": "no such issuer" });
    s.patch(&api_version, kind, "web", condition(failed)).await;
    let status = s.until(&app, "degraded", |status| status["health"]["status"] == "Degraded").await;
    assert_eq!(*health(&status, kind), json!({ "status": "Degraded", "message": "no such issuer" }));
}

pub async fn a_rule_of_health_that_changes_is_heard_at_once(s: Story) {
    const KEY: &str = "resource.customizations.health.ConfigMap";
    s.git.write("app/color.yaml", &setting("color", "blue"));
    let commit = s.git.commit("Blue");
    let app = s.application("colors", automated(true, true)).await;
    let status = s.synced(&app, &commit).await;
    assert_eq!(status["health"]["status"], "Healthy");

    let script = "hs = {}\nhs.status = \"Healthy\"\nreturn hs\n";
    s.create(rules(&s.namespace, &json!({ KEY: script }))).await;
    let status = s.until(&app, "unknown", |status| status["health"]["status"] == "Unknown").await;
    let message = health(&status, "ConfigMap")["message"].as_str().unwrap_or_default();
    assert!(message.contains(KEY) && message.contains("it is a script in Lua"), "{message}");

    for (rule, expected) in [
        ("current: data.value == 'blue'", "Healthy"),
        ("current: data.value == 'red'", "Progressing"),
        ("failed: data.value == 'blue'\ncurrent: true", "Degraded"),
        ("suspended: has(metadata.uid)\ncurrent: true", "Suspended"),
    ] {
        s.patch("v1", "ConfigMap", "argocd-cm", json!({ "data": { KEY: rule } })).await;
        s.until(&app, expected, |status| status["health"]["status"] == expected).await;
    }
    s.delete("v1", "ConfigMap", "argocd-cm").await;
    s.until(&app, "healthy", |status| status["health"]["status"] == "Healthy").await;
}

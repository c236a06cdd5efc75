//! The admission webhook, asked by a real API server. (The sandbox asks nobody.)

use std::path::PathBuf;
use std::process::Child;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};

use crate::programs::HOME;
use crate::scenario::{Scenario, canary, rollout, with};

mod on_the_real_control_plane {
    crate::in_real_time! {
        crate::real::Real::connect:
        a_manifest_is_denied_warned_of_or_let_through,
        the_webhook_is_turned_on_by_a_manifest_and_a_flag,
    }
}

/// A controller with a webhook, for Rollouts of an instance id of its own.
struct Webhook {
    s: Scenario,
    process: Child,
}

impl Webhook {
    async fn start(s: &Scenario, id: &str, port: u16, more: &[&str]) -> Webhook {
        let kubeconfig = s.programs().kubeconfig_of(&s.client(), "sluice").await.display().to_string();
        let text = port.to_string();
        let own = ["--kubeconfig", &kubeconfig, "--namespace", HOME, "--instance-id", id, "--webhook-port", &text];
        let process = s.programs().controller(&[&own, more].concat(), id);
        Webhook { s: s.clone(), process }
    }

    fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Waits until the API server asks it.
    async fn until_asked(&self) {
        self.s
            .eventually("asked", async || {
                let (success, printed) = apply(&self.s, &too_heavy("probe"), &["--dry-run=server"]);
                if success { Err(printed) } else { Ok(()) }
            })
            .await;
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A port that is free now; the machine does not give it to the next who asks.
fn port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Applies a manifest as a user does, and returns whether it was stored, and what kubectl printed.
fn apply(s: &Scenario, manifest: &Value, more: &[&str]) -> (bool, String) {
    let name = manifest["metadata"]["name"].as_str().expect("a name");
    let file = s.programs().logs().join(format!("{}-{name}.json", s.namespace));
    std::fs::write(&file, manifest.to_string()).expect("the folder is writable");
    let file = file.display().to_string();
    s.programs().try_kubectl(&[&["-n", &s.namespace, "apply", "-f", &file], more].concat())
}

fn too_heavy(name: &str) -> Value {
    with(rollout(1, json!([{ "setWeight": 101 }])), "/metadata/name", json!(name))
}

const TOO_HEAVY: &str =
    "spec.strategy.canary.steps[0].setWeight: Invalid value: 101: SetWeight needs to be between 0 and 100";

/// A folder with a certificate for this machine, and the authority that has signed it.
fn certificate(s: &Scenario) -> (PathBuf, String) {
    let folder = s.programs().logs().join(format!("{}-certificate", s.namespace));
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let parameters = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("an address");
    let certificate = parameters.signed_by(&key, &issuer).expect("a certificate");
    std::fs::write(folder.join("tls.crt"), certificate.pem()).expect("the folder is writable");
    std::fs::write(folder.join("tls.key"), key.serialize_pem()).expect("the folder is writable");
    (folder, issuer.pem())
}

/// The configuration of `deploy/webhook.yaml` for the scenario's namespace alone, under a name of its own.
fn configuration(s: &Scenario, port: u16, authority: &str) -> Value {
    let manifests = std::fs::read_to_string("deploy/webhook.yaml").expect("the manifest");
    let last = manifests.rsplit("\n---\n").next().expect("documents");
    let mut configuration: Value = serde_saphyr::from_str(last).expect("YAML");
    assert_eq!(configuration["kind"], "ValidatingWebhookConfiguration");
    configuration["metadata"]["name"] = json!(s.namespace);
    let webhook = &mut configuration["webhooks"][0];
    webhook["namespaceSelector"] = here(s);
    webhook["clientConfig"] = json!({
        "url": format!("https://127.0.0.1:{port}/validate"), "caBundle": BASE64_STANDARD.encode(authority),
    });
    configuration
}

fn here(s: &Scenario) -> Value {
    json!({ "matchLabels": { "kubernetes.io/metadata.name": s.namespace } })
}

async fn a_manifest_is_denied_warned_of_or_let_through(s: Scenario) {
    s.create(too_heavy("old")).await.expect("nobody is asked yet");
    let (folder, authority) = certificate(&s);
    let port = port();
    let mut webhook = Webhook::start(&s, "asked", port, &["--webhook-cert-dir", &folder.display().to_string()]).await;
    let (success, printed) = apply(&s, &configuration(&s, port, &authority), &[]);
    assert!(success, "{printed}");
    webhook.until_asked().await;

    // Denied, with every reason.
    let (success, printed) = apply(&s, &too_heavy("web"), &[]);
    assert!(!success && printed.contains(&format!("The Rollout \"web\" is invalid: {TOO_HEAVY}")), "{printed}");
    let twice = rollout(1, json!([{ "setWeight": 101 }, { "setWeight": -1 }]));
    let (success, printed) = apply(&s, &twice, &[]);
    let second = "* spec.strategy.canary.steps[1].setWeight: Invalid value: -1";
    assert!(!success && printed.contains(&format!("* {TOO_HEAVY}")) && printed.contains(second), "{printed}");
    let error = s.create(too_heavy("web")).await.expect_err("denied").to_string();
    assert!(error.contains("admission webhook \"validate.sluice.dev\" denied the request: The Rollout"), "{error}");
    let template = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": { "name": "errors" },
        "spec": { "metrics": [{ "name": "errors", "interval": "soon", "provider": { "web": { "url": "http://x" } } }] },
    });
    let (success, printed) = apply(&s, &template, &[]);
    assert!(!success && printed.contains("The AnalysisTemplate \"errors\" is invalid: spec.metrics[0]"), "{printed}");

    // Warned of, as long as it is doubtful.
    let doubtful = canary(1, json!({ "stableService": "stable", "canaryService": "canary" }));
    s.serve(&["canary"]).await;
    let missing = "Warning: spec.strategy.canary.stableService: Service \"stable\" does not exist yet";
    s.eventually("warned of one Service", async || match apply(&s, &doubtful, &["--dry-run=server"]) {
        (true, printed) if printed.contains(missing) && !printed.contains("\"canary\"") => Ok(()),
        (_, printed) => Err(printed),
    })
    .await;
    s.serve(&["stable"]).await;
    s.eventually("stored without a warning", async || match apply(&s, &doubtful, &[]) {
        (true, printed) if !printed.contains("Warning") => Ok(()),
        (_, printed) => Err(printed),
    })
    .await;

    what_is_stored_stays_editable(&s);

    // Nobody is kept from working because the webhook is away.
    webhook.stop();
    let (success, printed) = apply(&s, &too_heavy("away"), &[]);
    assert!(success, "{printed}");
    s.programs().kubectl(&["delete", "validatingwebhookconfiguration", &s.namespace]);
}

/// An invalid Rollout from before the webhook.
fn what_is_stored_stays_editable(s: &Scenario) {
    let edit = |arguments: &[&str]| s.programs().try_kubectl(&[&["-n", &s.namespace], arguments].concat());
    let (success, printed) = edit(&["patch", "rollout", "old", "--type=merge", "-p", r#"{"spec": {"replicas": 2}}"#]);
    let warning = format!("Warning: invalid before and after this change: {TOO_HEAVY}");
    assert!(success && printed.contains(&warning), "{printed}");
    let (success, printed) = edit(&["annotate", "rollout", "old", "a=b"]);
    assert!(success && !printed.contains("Warning"), "{printed}");
    let (success, printed) = edit(&["scale", "rollout", "old", "--replicas=3"]);
    assert!(success && !printed.contains("Warning"), "{printed}");
    let worse = r#"{"spec": {"strategy": {"canary": {"steps": [{"setWeight": 101}, {"setWeight": -1}]}}}}"#;
    let (success, printed) = edit(&["patch", "rollout", "old", "--type=merge", "-p", worse]);
    assert!(!success && printed.contains("steps[1].setWeight: Invalid") && printed.contains(&warning), "{printed}");
    let finalizer = r#"{"metadata": {"finalizers": ["example.com/later"]}}"#;
    let (success, printed) = edit(&["patch", "rollout", "old", "--type=merge", "-p", finalizer]);
    assert!(success, "{printed}");
    let (success, printed) = edit(&["delete", "rollout", "old", "--wait=false"]);
    assert!(success, "{printed}");
    let (success, printed) =
        edit(&["patch", "rollout", "old", "--type=merge", "-p", r#"{"metadata": {"finalizers": null}}"#]);
    assert!(success, "{printed}");
    let (_, printed) = edit(&["get", "rollout", "old"]);
    assert!(printed.contains("NotFound"), "{printed}");
}

/// `deploy/webhook.yaml` as it is, but that it asks about one namespace alone, and that its Service leads to this machine, because
/// the controller does not run in a pod.
async fn the_webhook_is_turned_on_by_a_manifest_and_a_flag(s: Scenario) {
    let manifests = std::fs::read_to_string("deploy/webhook.yaml").expect("the manifest");
    let to_pods = "  selector:\n    app.kubernetes.io/name: sluice\n";
    assert!(manifests.contains(to_pods) && manifests.contains("  sideEffects: None\n"));
    let port = port();
    let manifests = manifests
        .replace(to_pods, "  type: ExternalName\n  externalName: localhost\n")
        .replace("port: 443", &format!("port: {port}"))
        .replace("  sideEffects: None\n", &format!("  sideEffects: None\n  namespaceSelector: {}\n", here(&s)));
    let file = s.programs().logs().join(format!("{}-webhook.yaml", s.namespace)).display().to_string();
    std::fs::write(&file, manifests).expect("the folder is writable");
    s.programs().kubectl(&["apply", "-f", &file]);
    let webhook = Webhook::start(&s, "self-made", port, &[]).await;
    webhook.until_asked().await;
    let (success, printed) = apply(&s, &too_heavy("web"), &[]);
    assert!(!success && printed.contains(&format!("The Rollout \"web\" is invalid: {TOO_HEAVY}")), "{printed}");
    s.programs().kubectl(&["delete", "validatingwebhookconfiguration", "sluice"]);
}

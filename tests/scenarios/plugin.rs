//! The kubectl plugin, used as in the guide.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use serde_json::{Value, json};
use sluice_core::api::labels;

use crate::scenario::{Scenario, rollout};

crate::scenarios! {
    ;
    with_processes:
    a_canary_is_steered_by_the_plugin_alone,
    the_plugin_aborts_retries_and_goes_back,
    the_plugin_pauses_and_restarts,
    status_ends_with_the_outcome,
    kubectl_finds_the_plugin_under_both_names,
    mistakes_get_an_answer_that_helps,
    the_plugin_shows_what_is_measured,
    the_plugin_ends_an_analysis_that_goes_on,
    the_plugin_looks_after_experiments,
}

fn binary() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_sluice")).with_file_name("kubectl-sluice")
}

/// Runs the plugin in the scenario's namespace.
async fn run(s: &Scenario, arguments: &str) -> (bool, String) {
    let mut command = s.programs().command(binary());
    command.args(["-n", &s.namespace]).args(arguments.split_whitespace());
    let output = tokio::task::spawn_blocking(move || command.output().expect("the plugin is built"));
    let output = output.await.expect("it ran");
    let printed = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&printed).into_owned())
}

async fn says(s: &Scenario, arguments: &str, expected: &str) {
    let (success, printed) = run(s, arguments).await;
    assert!(success && printed.contains(expected), "{arguments}: {printed}");
}

async fn a_canary_is_steered_by_the_plugin_alone(s: Scenario) {
    let web =
        s.deploy(rollout(2, json!([{ "setWeight": 50 }, { "pause": {} }, { "setWeight": 80 }, { "pause": {} }]))).await;
    says(&s, "set image web web=web:2", "rollout \"web\" image updated").await;
    web.until_paused_at(1).await;
    let (_, view) = run(&s, "get rollout web").await;
    for expected in [
        "Status:          ॥ Paused\n",
        "Message:         CanaryPauseStep\n",
        "  Step:          1/4\n",
        "  SetWeight:     50\n",
        "  ActualWeight:  50\n",
        "Images:          web:1 (stable)\n                 web:2 (canary)\n",
        "├──# revision:2\n",
        "ReplicaSet  ✔ Healthy",
        "ready:1/1",
    ] {
        assert!(view.contains(expected), "{expected:?} is not in\n{view}");
    }
    says(&s, "list rollouts", "web   Canary    Paused  1/4   50          2/2    2        1           2").await;
    says(&s, "promote web", "rollout 'web' promoted").await;
    web.until_paused_at(3).await;
    says(&s, "promote web --full", "rollout 'web' fully promoted").await;
    web.until_healthy().await;
    says(&s, "get rollout web", "• ScaledDown").await;
    // A finished rollout has nothing left to skip, and the next update must not be skipped on its account.
    says(&s, "promote web --full", "rollout 'web' fully promoted").await;
    assert!(!web.status().await.promote_full);
}

async fn the_plugin_aborts_retries_and_goes_back(s: Scenario) {
    let web = s.deploy(rollout(2, json!([{ "setWeight": 50 }, { "pause": {} }]))).await;
    says(&s, "set image web *=web:2", "image updated").await;
    web.until_paused_at(1).await;
    says(&s, "abort web", "rollout 'web' aborted").await;
    web.until_aborted().await;
    says(&s, "get rollout web", "✖ Degraded").await;
    says(&s, "retry rollout web", "rollout 'web' retried").await;
    web.until_paused_at(1).await;
    says(&s, "undo web", "rollout 'web' undo").await;
    web.until_healthy().await;
    assert_eq!(web.sizes("web:1", "web:2").await, (2, 0));
    says(&s, "undo web --to-revision 2", "rollout 'web' undo").await;
    web.until_paused_at(1).await;
    assert_eq!(web.size("web:2").await, 1);
}

async fn the_plugin_pauses_and_restarts(s: Scenario) {
    let web = s.deploy(rollout(1, json!([{ "setWeight": 50 }]))).await;
    says(&s, "pause web", "rollout 'web' paused").await;
    web.until_phase("Paused", "manually paused").await;
    says(&s, "promote web", "rollout 'web' promoted").await;
    web.until_healthy().await;
    let before = web.pods().await[0].metadata.name.clone();
    says(&s, "restart web --in 1s", "rollout 'web' restarts in 1s").await;
    s.eventually("another pod", async || match web.pods().await.first().map(|pod| pod.metadata.name.clone()) {
        Some(name) if name != before => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    web.until_healthy().await;
}

async fn status_ends_with_the_outcome(s: Scenario) {
    let web = s.deploy(rollout(1, json!([{ "setWeight": 50 }, { "pause": {} }]))).await;
    says(&s, "status web", "Healthy").await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    says(&s, "status web --watch=false", "Paused - CanaryPauseStep").await;
    let (success, printed) = run(&s, "status web --timeout 1s").await;
    assert!(!success && printed.contains("exceeded timeout of 1s"), "{printed}");
    web.abort().await;
    web.until_aborted().await;
    let (success, printed) = run(&s, "status web").await;
    assert!(!success && printed.contains("degraded state with message: RolloutAborted"), "{printed}");
}

async fn kubectl_finds_the_plugin_under_both_names(s: Scenario) {
    let folder = s.programs().logs().join("plugins");
    std::fs::create_dir_all(&folder).expect("a folder");
    for name in ["kubectl-sluice", "kubectl-argo-rollouts"] {
        let link = folder.join(name);
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(binary(), link).expect("a link");
    }
    for words in [&["sluice"][..], &["argo", "rollouts"]] {
        let run = |last: &[&str]| {
            let mut kubectl = s.programs().command_with(&folder, "kubectl");
            let output = kubectl.args(words).args(last).output().expect("kubectl runs");
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        assert!(run(&["version", "--short"]).contains("v0.1.0"));
        assert!(run(&["--help"]).contains(&format!("Usage: kubectl {}", words.join(" "))), "{}", run(&["--help"]));
        assert!(run(&["completion", "bash"]).contains("complete -F"));
    }
}

async fn mistakes_get_an_answer_that_helps(s: Scenario) {
    let web = s.deploy(rollout(1, json!([]))).await;
    for (arguments, expected) in [
        ("get rollout wep", "Error: rollouts.argoproj.io \"wep\" not found\nThere is no rollout 'wep' in namespace"),
        ("get rollout wep", "; did you mean 'web'?"),
        ("set image web wep=web:2", "unable to find container named \"wep\"; there are: web"),
        ("undo web", "there is no revision before the newest"),
        ("undo web --to-revision 9", "unable to find revision 9; there are: 1"),
        ("restart web --in soon", "invalid duration \"soon\""),
    ] {
        let (success, printed) = run(&s, arguments).await;
        assert!(!success && printed.contains(expected), "{arguments}: {printed}");
    }
    assert_eq!(web.size("web:1").await, 1);
}

/// A web service that answers these rates, the last one for ever; its address.
async fn rates(rates: &'static [f64]) -> String {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let asked = Arc::new(AtomicUsize::new(0));
    let answer = move || {
        let rate = rates[asked.fetch_add(1, Ordering::SeqCst).min(rates.len() - 1)];
        async move { json!({ "rate": rate }).to_string() }
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    address
}

/// A template that asks that service, every second.
async fn template(s: &Scenario, count: Value) {
    let web = json!({ "url": "http://{{args.address}}/", "jsonPath": "{$.rate}" });
    let metric = json!({
        "name": "rate", "interval": "1s", "count": count, "failureLimit": 1, "provider": { "web": web },
        "successCondition": "result >= {{args.least}}",
    });
    let spec = json!({ "args": [{ "name": "address" }, { "name": "least", "value": "0.9" }], "metrics": [metric] });
    let template = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": { "name": "rates" }, "spec": spec,
    });
    s.create(template).await.expect("an AnalysisTemplate");
}

/// A template that names one of the cluster, which has an argument without a value.
const TEMPLATE: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: from-a-file}
spec:
  args: [{name: address, value: nowhere.invalid}]
  templates: [{templateName: rates}]
";

/// Waits until the plugin says something.
async fn until_says(s: &Scenario, arguments: &str, expected: &str) -> String {
    s.eventually(expected, async || match run(s, arguments).await {
        (true, printed) if printed.contains(expected) => Ok(printed),
        (_, printed) => Err(printed),
    })
    .await
}

async fn the_plugin_shows_what_is_measured(s: Scenario) {
    template(&s, json!(4)).await;
    let address = rates(&[0.97, 0.5, 0.99, 0.98]).await;
    let create = format!("create analysisrun --from rates --name by-hand -a address={address}");
    says(&s, &create, "analysisrun.argoproj.io/by-hand created\n").await;
    let page = until_says(&s, "get analysisrun by-hand", "Status:          ✔ Successful\n").await;
    for expected in [
        "Metrics:         1 (✔ 1)\n",
        "rate  ✔ Successful  ✔ 3,✖ 1\n",
        "  █▁██  0.5 to 0.99, last 0.98   succeeds if result >= 0.9\n   ✖\n",
    ] {
        assert!(page.contains(expected), "{expected:?} is not in\n{page}");
    }
    says(&s, "get analysisrun by-hand --watch --timeout-seconds 1 --no-color", "  █▁██  0.5 to 0.99").await;
    let file = s.programs().logs().join("template.yaml");
    std::fs::write(&file, TEMPLATE).expect("the folder is writable");
    let file = file.display();
    says(&s, &format!("create analysisrun --from-file {file}"), "analysisrun.argoproj.io/from-a-file-").await;
    let (success, printed) = run(&s, "create analysisrun --from rates -a adress=x").await;
    assert!(!success && printed.contains("no argument \"adress\"; there are: address, least"), "{printed}");
    let (success, printed) = run(&s, "create analysisrun --from rate").await;
    assert!(!success && printed.contains("AnalysisTemplate 'rate' not found"), "{printed}");
    let (success, printed) = run(&s, "get analysisrun nobody").await;
    assert!(!success && printed.contains("analysisruns.argoproj.io \"nobody\" not found"), "{printed}");
}

async fn the_plugin_ends_an_analysis_that_goes_on(s: Scenario) {
    template(&s, json!(0)).await;
    let args = json!([{ "name": "address", "value": rates(&[0.95]).await }]);
    let analysis = json!({ "templates": [{ "templateName": "rates" }], "args": args });
    let web = s.deploy(rollout(2, json!([{ "setWeight": 50 }, { "analysis": analysis }]))).await;
    web.set_image("web:2").await;
    let tree = until_says(&s, "get rollout web", "AnalysisRun  ◌ Running").await;
    let line = tree.lines().find(|line| line.contains("AnalysisRun")).expect("a line");
    let name = line.split_whitespace().find(|word| word.starts_with("web-")).expect("a name").to_owned();
    until_says(&s, &format!("get ar {name}"), "▄").await;
    says(&s, "get rollout web --watch --timeout-seconds 1", &format!("α {name} ")).await;
    says(&s, &format!("terminate analysisrun {name}"), &format!("analysisrun '{name}' terminated\n")).await;
    until_says(&s, &format!("get ar {name}"), "Message:         Run Terminated\n").await;
    web.until_healthy().await;
}

async fn the_plugin_looks_after_experiments(s: Scenario) {
    // One that no controller here acts on.
    let labels = json!({ labels::INSTANCE_ID: "nobody" });
    let pods = json!({
        "metadata": { "labels": { "app": "trial" } },
        "spec": { "containers": [{ "name": "web", "image": "web:2" }] },
    });
    let template = json!({ "name": "canary", "selector": { "matchLabels": { "app": "trial" } }, "template": pods });
    let experiment = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Experiment", "metadata": { "name": "trial", "labels": labels },
        "spec": { "duration": "1h", "templates": [template] }, "status": { "phase": "Running" },
    });
    s.create(experiment).await.expect("an Experiment");
    says(&s, "list experiments", "trial  Running  1h        -          ").await;
    says(&s, "get experiment trial", "Σ trial  Experiment  ◌ Running  ").await;
    says(&s, "get experiment trial --watch --timeout-seconds 1", "Σ trial  Experiment  ◌ Running  ").await;
    says(&s, "terminate experiment trial", "experiment 'trial' terminated\n").await;
    says(&s, "retry experiment trial", "experiment 'trial' retried\n").await;
    let stored = s.read("argoproj.io/v1alpha1", "Experiment", "trial").await;
    assert_eq!((&stored["spec"]["terminate"], &stored["status"]), (&json!(true), &Value::Null));
}

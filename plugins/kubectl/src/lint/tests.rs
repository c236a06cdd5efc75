//! Whole reports, as people see them.

use super::Source;
use super::check::check;
use super::report;

fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), text: text.to_owned(), is_named: true }
}

#[track_caller]
fn reports(sources: &[Source], expected: &str) {
    let printed = report::text(&check(sources, false));
    assert_eq!(printed, expected, "\n{printed}");
}

/// A Rollout with this strategy, which begins on line 14.
fn rollout(strategy: &str) -> String {
    let strategy = strategy.lines().fold(String::new(), |text, line| format!("{text}    {line}\n"));
    format!(
        "\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: web
  namespace: shop
spec:
  selector:
    matchLabels: {{app: web}}
  template:
    metadata:
      labels: {{app: web}}
    spec:
      containers: [{{name: web, image: web:1}}]
  strategy:
{strategy}"
    )
}

const SERVICE: &str = "\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: shop}}
";

#[test]
fn fine_manifests_get_a_short_line() {
    let text = rollout("canary:\n  steps:\n  - setWeight: 20\n  - pause: {}");
    reports(&[source("web.yaml", &text)], "1 object in 1 file: no problems\n");
}

#[test]
fn errors_come_before_warnings_with_their_lines_and_a_summary() {
    let canary = rollout("canary:\n  maxSruge: 1\n  minPodsPerReplicaSet: 1\n  steps:\n  - setWeight: 200");
    let other = rollout("blueGreen:\n  activeService: web\n  previewService: web");
    let files = [source("a.yaml", &format!("{canary}---\n{SERVICE}")), source("b/web.yaml", &other)];
    reports(
        &files,
        "\
a.yaml:1: Rollout shop/web: spec.strategy.canary.maxSruge: unknown field; did you mean `maxSurge`? (line 16)
a.yaml:1: Rollout shop/web: spec.strategy.canary.steps[0].setWeight: Invalid value: 200: SetWeight needs to be between 0 and 100 (line 19)
b/web.yaml:1: Rollout shop/web: spec.strategy.blueGreen.activeService: Invalid value: \"web\": This rollout uses the same service for the active and preview services, but two different services are required. (line 16)
b/web.yaml:1: Rollout shop/web: spec.strategy.blueGreen.activeService: Invalid value: \"web\": Service \"web\" has unmatch label \"app\" in rollout (line 16)
b/web.yaml:1: Rollout shop/web: spec.strategy.blueGreen.previewService: Invalid value: \"web\": Service \"web\" has unmatch label \"app\" in rollout (line 17)
a.yaml:1: warning: Rollout shop/web: spec.strategy.canary.minPodsPerReplicaSet: has no effect without traffic routing (line 17)
2 objects in 2 files: 5 errors, 1 warning
",
    );
}

#[test]
fn what_is_not_in_the_files_may_be_in_the_cluster() {
    let text = rollout("canary:\n  steps:\n  - analysis: {templates: [{templateName: errors}]}");
    let outcome = |is_complete| report::text(&check(&[source("web.yaml", &text)], is_complete));
    let field = "Rollout shop/web: spec.strategy.canary.steps[0].analysis.templates[0].templateName";
    let partial = outcome(false);
    assert!(
        partial
            .starts_with(&format!("web.yaml:1: warning: {field}: AnalysisTemplate \"errors\" is not in these files")),
        "{partial}"
    );
    let complete = outcome(true);
    assert!(
        complete.starts_with(&format!(
            "web.yaml:1: {field}: Invalid value: \"errors\": AnalysisTemplate 'errors' not found"
        )),
        "{complete}"
    );
}

#[test]
fn a_template_of_helm_is_one_error() {
    let control = "{{- if .Values.enabled }}\napiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata:\n  name: {{ include \"web.name\" . }}\n{{- end }}\n";
    let quoted = rollout("canary: {}").replace("name: web\n", "name: \"{{ .Release.Name }}\"\n");
    let braces = rollout("canary: {}").replace("name: web\n", "name: {{ .Release.Name }}\n");
    for text in [control.to_owned(), quoted, braces] {
        reports(
            &[source("templates/web.yaml", &text)],
            "\
templates/web.yaml: is a Helm template that is not rendered; check what Helm makes of it: helm template CHART | kubectl sluice lint -
0 objects in 1 file: 1 error, 0 warnings
",
        );
    }
}

#[test]
fn placeholders_of_analysis_and_of_other_programs_are_no_helm() {
    let template = "\
apiVersion: argoproj.io/v1alpha1
kind: ClusterAnalysisTemplate
metadata: {name: errors}
spec:
  args: [{name: host}]
  metrics:
  - name: rate
    provider: {web: {url: \"http://{{args.host}}/\"}}
";
    let vault = rollout("canary: {}").replace(
        "      labels:",
        "      annotations: {vault: '{{- with secret \"a\" -}}{{ .Data }}{{ end }}'}\n      labels:",
    );
    reports(&[source("a.yaml", template), source("b.yaml", &vault)], "2 objects in 2 files: no problems\n");
}

#[test]
fn a_broken_document_does_not_take_the_others_with_it() {
    let text = format!("a: [1\n---\n{}", rollout("canary: {gizmo: 1}"));
    let outcome = check(&[source("web.yaml", &text)], false);
    let printed = report::text(&outcome);
    assert_eq!(outcome.objects, 1);
    assert!(printed.contains("web.yaml:1: is not YAML: "), "{printed}");
    assert!(
        printed.contains("web.yaml:2: Rollout shop/web: spec.strategy.canary.gizmo: unknown field (line 17)"),
        "{printed}"
    );
}

#[test]
fn json_lists_and_streams_are_read() {
    let object = |name: &str| {
        format!(
            "{{\"apiVersion\": \"argoproj.io/v1alpha1\", \"kind\": \"Experiment\", \"metadata\": {{\"name\": \"{name}\"}}, \"spec\": {{\"templates\": []}}}}"
        )
    };
    let list = format!("{{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{}, {}]}}", object("a"), object("b"));
    let files = [source("list.json", &list), source("stream.json", &format!("{}\n{}", object("c"), object("d")))];
    reports(&files, "4 objects in 2 files: no problems\n");
}

#[test]
fn the_lines_of_a_list_are_those_of_its_items() {
    let list = "\
kind: List
items:
- apiVersion: argoproj.io/v1alpha1
  kind: AnalysisTemplate
  metadata: {name: errors}
  spec:
    metrics: []
    gizmo: 1
";
    reports(
        &[source("list.yaml", list)],
        "\
list.yaml:1: AnalysisTemplate errors: spec.gizmo: unknown field (line 8)
list.yaml:1: AnalysisTemplate errors: spec.metrics: Required value: no metrics specified (line 7)
1 object in 1 file: 2 errors, 0 warnings
",
    );
}

#[test]
fn conditions_and_providers_are_judged_before_anything_is_measured() {
    let template = "\
kind: AnalysisTemplate
apiVersion: argoproj.io/v1alpha1
metadata: {name: errors}
spec:
  args: [{name: least}]
  metrics:
  - name: rate
    successCondition: result[0] >= {{args.least}}
    failureCondition: result[0] <
    provider: {prometheus: {query: up}}
  - name: load
    provider: {datadog: {query: up}}
";
    reports(
        &[source("errors.yaml", template)],
        "\
errors.yaml:1: AnalysisTemplate errors: spec.metrics[0].failureCondition: Invalid value: \"result[0] <\": unexpected the end, expected a value (1:12) (line 9)
errors.yaml:1: warning: AnalysisTemplate errors: spec.metrics[1].provider.datadog: is not supported by this version of Sluice yet: a rollout that asks for it is held there, and a run by itself ends in an error (line 12)
1 object in 1 file: 1 error, 1 warning
",
    );
}

#[test]
fn a_text_without_a_kind_is_told_only_where_it_was_asked_for() {
    let values = source("values.yaml", "replicas: 3\n");
    reports(
        std::slice::from_ref(&values),
        "values.yaml:1: warning: is no Kubernetes object: it has no kind\n0 objects in 1 file: 0 errors, 1 warning\n",
    );
    reports(
        &[Source { is_named: false, ..values }],
        "1 file: no Rollout, Experiment, AnalysisTemplate or AnalysisRun in them, nothing was checked\n",
    );
}

#[test]
fn a_manifest_cannot_steer_the_terminal() {
    let text = rollout("canary: {\"\\e[2J\": 1}");
    let printed = report::text(&check(&[source("web.yaml", &text)], false));
    assert!(printed.contains("\\u{1b}[2J") && !printed.contains('\x1b'), "{printed}");
}

#[test]
fn programs_get_json() {
    let outcome = check(&[source("web.yaml", &rollout("canary: {gizmo: 1}"))], false);
    assert_eq!(
        report::json(&outcome),
        serde_json::json!({
            "problems": [{
                "severity": "error", "file": "web.yaml", "document": 1, "line": 15, "object": "Rollout shop/web",
                "field": "spec.strategy.canary.gizmo", "message": "unknown field",
            }],
            "files": 1, "objects": 1, "errors": 1, "warnings": 0,
        })
    );
}

//! A Rollout, the objects around it, and what is said of them.
#![expect(clippy::needless_pass_by_value, reason = "a manifest reads best where it is used")]

use serde_json::{Value, json};

use super::{Objects, problems};
use crate::api::Rollout;
use crate::validate::Severity;

fn canary(canary: Value) -> Rollout {
    rollout(json!({"strategy": {"canary": canary}}))
}

fn rollout(spec: Value) -> Rollout {
    let mut manifest = json!({
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"template": {"metadata": {"labels": {"app": "web"}}}},
    });
    json_patch::merge(&mut manifest["spec"], &spec);
    serde_json::from_value(manifest).expect("a Rollout")
}

fn object(version: &str, kind: &str, name: &str, rest: Value) -> Value {
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "shop"}});
    json_patch::merge(&mut object, &rest);
    object
}

fn service(name: &str) -> Value {
    object("v1", "Service", name, json!({"spec": {"selector": {"app": "web"}}}))
}

fn template(name: &str, spec: Value) -> Value {
    object("argoproj.io/v1alpha1", "AnalysisTemplate", name, json!({"spec": spec}))
}

fn metric(name: &str, interval: Option<&str>) -> Value {
    let mut metric = json!({"name": name, "provider": {"web": {"url": "http://x"}}});
    if let Some(interval) = interval {
        metric["interval"] = json!(interval);
    }
    metric
}

/// What is found among objects that are all there are.
fn found(rollout: &Rollout, around: &[Value]) -> Vec<String> {
    let found = problems(rollout, &Objects::new(around, true));
    found.iter().map(|problem| format!("{:?}: {problem}", problem.severity)).collect()
}

#[track_caller]
fn says(rollout: &Rollout, around: &[Value], expected: &[&str]) {
    assert_eq!(found(rollout, around), expected);
}

#[test]
fn what_is_missing_is_an_error_only_where_everything_is_known() {
    let web = canary(json!({"stableService": "web", "canaryService": "web-canary"}));
    says(
        &web,
        &[service("web")],
        &["Error: spec.strategy.canary.canaryService: Invalid value: \"web-canary\": service \"web-canary\" not found"],
    );
    let all = [service("web")];
    let partial = problems(&web, &Objects::new(&all, false));
    assert_eq!(partial.len(), 1);
    assert_eq!(partial[0].severity, Severity::Warning);
    assert_eq!(partial[0].message, "Service \"web-canary\" is not in these files");
}

#[test]
fn a_service_selects_the_pods_of_this_rollout_and_of_no_other() {
    let strategy = json!({"blueGreen": {"activeService": "web", "previewService": "other"}});
    let web = rollout(json!({"strategy": strategy}));
    let mut taken = service("web");
    taken["metadata"]["annotations"] = json!({"argo-rollouts.argoproj.io/managed-by-rollouts": "shop"});
    let mut other = service("other");
    other["spec"]["selector"] = json!({"app": "web", "tier": "front", "rollouts-pod-template-hash": "abc"});
    let active = "spec.strategy.blueGreen.activeService";
    let preview = "spec.strategy.blueGreen.previewService";
    says(
        &web,
        &[taken, other],
        &[
            &format!("Error: {active}: Invalid value: \"web\": Service \"web\" is managed by another Rollout"),
            &format!(
                "Error: {preview}: Invalid value: \"other\": Service \"other\" has unmatch label \"tier\" in rollout"
            ),
        ],
    );
    let mut own = service("web");
    own["metadata"]["annotations"] = json!({"argo-rollouts.argoproj.io/managed-by-rollouts": "web"});
    let mut open = service("other");
    open["spec"] = json!({});
    says(
        &web,
        &[own, open],
        &[&format!("Warning: {preview}: Service \"other\" has no selector, so nothing ties it to this rollout")],
    );
}

#[test]
fn a_manifest_without_a_namespace_is_in_every_one() {
    let web = canary(json!({"stableService": "web"}));
    let mut elsewhere = service("web");
    elsewhere["metadata"]["namespace"] = json!("other");
    assert_eq!(found(&web, std::slice::from_ref(&elsewhere)).len(), 1);
    let mut anywhere = service("web");
    anywhere["metadata"] = json!({"name": "web"});
    says(&web, &[elsewhere, anywhere], &[]);
}

#[test]
fn the_labels_are_those_of_the_workload_that_has_the_template() {
    let reference = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
    let web =
        rollout(json!({"workloadRef": reference, "template": null, "strategy": {"canary": {"stableService": "web"}}}));
    let deployment = |app: &str| {
        let spec = json!({"template": {"metadata": {"labels": {"app": app}}}});
        object("apps/v1", "Deployment", "web", json!({"spec": spec}))
    };
    says(&web, &[service("web"), deployment("web")], &[]);
    let field = "spec.strategy.canary.stableService";
    says(
        &web,
        &[service("web"), deployment("shop")],
        &[&format!("Error: {field}: Invalid value: \"web\": Service \"web\" has unmatch label \"app\" in rollout")],
    );
    says(
        &web,
        &[service("web")],
        &["Error: spec.workloadRef.name: Invalid value: \"web\": deployments.apps \"web\" not found"],
    );
}

fn ingress(backend: Value) -> Value {
    let rules = json!([{"host": "x"}, {"http": {"paths": [{"backend": backend}]}}]);
    object("networking.k8s.io/v1", "Ingress", "web", json!({"spec": {"rules": rules}}))
}

#[test]
fn an_ingress_routes_to_the_service_whose_traffic_is_split() {
    let nginx = |fields: Value| canary(json!({"stableService": "web", "trafficRouting": {"nginx": fields}}));
    let single = nginx(json!({"stableIngress": "web"}));
    let modern = json!({"service": {"name": "web", "port": {"number": 80}}});
    says(&single, &[service("web"), ingress(modern.clone())], &[]);
    says(&single, &[service("web"), ingress(json!({"serviceName": "web"}))], &[]);
    let field = "spec.strategy.canary.trafficRouting.nginx.stableIngress";
    says(
        &single,
        &[service("web"), ingress(json!({"service": {"name": "shop"}}))],
        &[&format!("Error: {field}: Invalid value: \"web\": ingress `web` has no rules using service web backend")],
    );
    says(
        &nginx(json!({"stableIngresses": ["web", "inner"]})),
        &[service("web"), ingress(modern)],
        &[&format!("Error: {field}es[1]: Invalid value: \"inner\": ingress.networking.k8s.io \"inner\" not found")],
    );
}

#[test]
fn an_ingress_of_alb_names_the_root_service() {
    let alb = json!({"ingress": "web", "servicePort": 80, "rootService": "root"});
    let web = canary(json!({"stableService": "web", "trafficRouting": {"alb": alb}}));
    let around = [service("web"), service("root"), ingress(json!({"service": {"name": "web"}}))];
    says(
        &web,
        &around,
        &[
            "Error: spec.strategy.canary.trafficRouting.alb.ingress: Invalid value: \"web\": ingress `web` has no rules using service root backend",
        ],
    );
    let around = |port: Value| {
        let backend = json!({"service": {"name": "root", "port": port}});
        [service("web"), service("root"), ingress(backend)]
    };
    says(&web, &around(json!({"name": "use-annotation"})), &[]);
    says(
        &web,
        &around(json!({"number": 80})),
        &[
            "Warning: spec.strategy.canary.trafficRouting.alb.ingress: no path to service root has the port \"use-annotation\", so its weights are not read",
        ],
    );
}

fn virtual_service(http: Value) -> Value {
    object("networking.istio.io/v1", "VirtualService", "web", json!({"spec": http}))
}

fn routes(hosts: &[&str]) -> Value {
    let targets: Vec<Value> = hosts.iter().map(|host| json!({"destination": {"host": host}})).collect();
    json!({"name": hosts.join("-"), "route": targets})
}

#[test]
fn a_virtual_service_leads_to_both_revisions() {
    let istio = |fields: Value| {
        let routing = json!({"istio": {"virtualService": fields}, "managedRoutes": [{"name": "x"}]});
        canary(json!({"stableService": "a", "canaryService": "b", "trafficRouting": routing}))
    };
    let services = [service("a"), service("b")];
    let with = |object: Value| [services.to_vec(), vec![object]].concat();
    let only = istio(json!({"name": "web"}));
    says(&only, &with(virtual_service(json!({"http": [routes(&["a.shop.svc", "b"]), {"name": "x"}]}))), &[]);
    let field = "Error: spec.strategy.canary.trafficRouting.istio.virtualService.name: Invalid value: \"web\":";
    let bad = "Istio VirtualService has invalid HTTP routes. Error:";
    says(
        &only,
        &with(virtual_service(json!({"http": [routes(&["a"])]}))),
        &[&format!("{field} {bad} no destination has the host \"b\"")],
    );
    says(
        &only,
        &with(virtual_service(json!({"http": [routes(&["a", "b"]), routes(&["a", "b"])]}))),
        &[&format!("{field} {bad} it has several routes; name those to edit")],
    );
    says(
        &istio(json!({"name": "web", "routes": ["main"]})),
        &with(virtual_service(json!({"http": [routes(&["a", "b"])]}))),
        &[&format!("{field} {bad} there is no route named \"main\"")],
    );
    says(
        &only,
        &with(virtual_service(json!({}))),
        &[&format!("{field} Unable to get any of the HTTP, TCP or TLS routes for the Istio VirtualService")],
    );
    let tls = istio(json!({"name": "web", "tlsRoutes": [{"port": 443, "sniHosts": ["shop"]}]}));
    let route = json!({"match": [{"port": 443, "sniHosts": ["shop"]}], "route": routes(&["a", "b"])["route"]});
    says(&tls, &with(virtual_service(json!({"tls": [route]}))), &[]);
    says(
        &tls,
        &with(virtual_service(json!({"tls": [{}]}))),
        &[&format!(
            "{field} Istio VirtualService has invalid TLS routes. Error: no route has the port and the SNI hosts"
        )],
    );
    let tcp = istio(json!({"name": "web", "tcpRoutes": [{"port": 25}]}));
    says(
        &tcp,
        &with(virtual_service(json!({"tcp": [{"match": [{"port": 25}], "route": []}]}))),
        &[&format!("{field} Istio VirtualService has invalid TCP routes. Error: no destination has the host \"b\"")],
    );
    says(
        &istio(json!({"name": "web.other"})),
        &services,
        &[
            "Error: spec.strategy.canary.trafficRouting.istio.virtualService.name: Invalid value: \"web\": virtualservice.networking.istio.io \"web\" not found",
        ],
    );
}

#[test]
fn subsets_tell_the_revisions_apart_and_are_there() {
    let rule = json!({"name": "web", "canarySubsetName": "new", "stableSubsetName": "old"});
    let routing = json!({"istio": {"virtualService": {"name": "web"}, "destinationRule": rule}});
    let web = canary(json!({ "trafficRouting": routing }));
    let to = |subset: &str| json!({"destination": {"host": "web", "subset": subset}});
    let service = virtual_service(json!({"http": [{"route": [to("old"), to("new")]}]}));
    let rule = |subsets: Value| {
        object("networking.istio.io/v1", "DestinationRule", "web", json!({"spec": {"host": "web", "subsets": subsets}}))
    };
    says(&web, &[service.clone(), rule(json!([{"name": "old"}, {"name": "new"}]))], &[]);
    let field = "spec.strategy.canary.trafficRouting.istio";
    says(
        &web,
        &[service, rule(json!([{"name": "old"}]))],
        &[&format!("Warning: {field}.destinationRule.canarySubsetName: DestinationRule \"web\" has no subset \"new\"")],
    );
    says(
        &web,
        &[virtual_service(json!({"http": [{"route": [to("old")]}]})), rule(json!([{"name": "old"}, {"name": "new"}]))],
        &[&format!(
            "Error: {field}.virtualService.name: Invalid value: \"web\": Istio VirtualService has invalid HTTP routes. Error: no destination has the subset \"new\""
        )],
    );
}

#[test]
fn two_services_that_take_turns_are_both_led_to() {
    let routing = json!({"istio": {"virtualService": {"name": "web"}}});
    let web = canary(json!({"pingPong": {"pingService": "a", "pongService": "b"}, "trafficRouting": routing}));
    let found = [service("a"), service("b"), virtual_service(json!({"http": [routes(&["b"])]}))];
    let words = "Istio VirtualService has invalid HTTP routes. Error: no destination has the host \"a\"";
    let field = "spec.strategy.canary.trafficRouting.istio.virtualService.name";
    says(&web, &found, &[&format!("Error: {field}: Invalid value: \"web\": {words}")]);
}

#[test]
fn a_mapping_has_no_weight_of_its_own() {
    let web = canary(json!({"trafficRouting": {"ambassador": {"mappings": ["web"]}}}));
    let mapping = object("getambassador.io/v2", "Mapping", "web", json!({"spec": {"weight": 5}}));
    let field = "spec.strategy.canary.trafficRouting.ambassador.mappings[0]";
    says(
        &web,
        &[mapping],
        &[&format!("Error: {field}: Invalid value: \"web\": Ambassador mapping \"web\" can not define weight")],
    );
}

#[test]
fn an_object_may_be_in_the_group_that_its_api_had_before() {
    let traefik = canary(json!({"trafficRouting": {"traefik": {"weightedTraefikServiceName": "web"}}}));
    let field = "spec.strategy.canary.trafficRouting.traefik.weightedTraefikServiceName";
    let missing = format!("Error: {field}: Invalid value: \"web\": traefikservice.traefik.io \"web\" not found");
    says(&traefik, &[], &[&missing]);
    for version in ["traefik.io/v1alpha1", "traefik.containo.us/v1alpha1"] {
        says(&traefik, &[object(version, "TraefikService", "web", json!({}))], &[]);
    }
    let web = canary(json!({"trafficRouting": {"ambassador": {"mappings": ["web"]}}}));
    says(&web, &[object("x.getambassador.io/v3alpha1", "AmbassadorMapping", "web", json!({}))], &[]);
}

#[test]
fn a_virtual_service_leads_to_a_virtual_router() {
    let web = canary(json!({"trafficRouting": {"appMesh": {"virtualService": {"name": "web"}}}}));
    let service = |provider: Value| {
        object("appmesh.k8s.aws/v1beta2", "VirtualService", "web", json!({"spec": {"provider": provider}}))
    };
    let routed = service(json!({"virtualRouter": {"virtualRouterRef": {"name": "web-router"}}}));
    let field = "Error: spec.strategy.canary.trafficRouting.appMesh.virtualService.name: Invalid value:";
    let missing = format!("{field} \"web-router\": virtualrouter.appmesh.k8s.aws \"web-router\" not found");
    says(&web, std::slice::from_ref(&routed), &[&missing]);
    says(&web, &[routed, object("appmesh.k8s.aws/v1beta2", "VirtualRouter", "web-router", json!({}))], &[]);
    says(&web, &[service(json!({}))], &[&format!("{field} \"web\": has no virtual router as its provider")]);
}

fn waits_for(names: &[&str], args: Value) -> Rollout {
    let templates: Vec<Value> = names.iter().map(|name| json!({"templateName": name})).collect();
    canary(json!({"steps": [{"analysis": {"templates": templates, "args": args}}]}))
}

const STEP: &str = "spec.strategy.canary.steps[0].analysis";

#[test]
fn a_template_is_there_in_the_right_scope() {
    says(
        &waits_for(&["errors"], json!([])),
        &[],
        &[&format!(
            "Error: {STEP}.templates[0].templateName: Invalid value: \"errors\": AnalysisTemplate 'errors' not found"
        )],
    );
    let templates = json!([{"templateName": "errors", "clusterScope": true}]);
    let web = canary(json!({"analysis": {"templates": templates}}));
    let mut cluster = template("errors", json!({"metrics": [metric("a", None)]}));
    cluster["kind"] = json!("ClusterAnalysisTemplate");
    cluster["metadata"] = json!({"name": "errors"});
    says(&web, &[cluster], &[]);
    let field = "spec.strategy.canary.analysis.templates[0].templateName";
    says(
        &web,
        &[template("errors", json!({}))],
        &[&format!("Error: {field}: Invalid value: \"errors\": ClusterAnalysisTemplate 'errors' not found")],
    );
}

#[test]
fn nothing_waits_for_a_metric_without_end() {
    let endless = template("errors", json!({"metrics": [metric("rate", Some("1m"))]}));
    says(
        &waits_for(&["errors"], json!([])),
        std::slice::from_ref(&endless),
        &[&format!(
            "Error: {STEP}.templates[0].templateName: Invalid value: \"errors\": AnalysisTemplate errors has metric rate which runs indefinitely. Invalid value for count: <nil>"
        )],
    );
    let background = canary(json!({"analysis": {"templates": [{"templateName": "errors"}]}}));
    says(&background, &[endless], &[]);
}

#[test]
fn templates_that_run_together_go_together() {
    let one = |name: &str, value: &str| {
        template(name, json!({"metrics": [metric("rate", None)], "args": [{"name": "host", "value": value}]}))
    };
    says(
        &waits_for(&["a", "b"], json!([])),
        &[one("a", "x"), one("b", "y")],
        &[
            &format!("Error: {STEP}.templates: two metrics have the same name 'rate'"),
            &format!("Error: {STEP}.templates: Argument `host` specified multiple times with different values"),
        ],
    );
}

#[test]
fn a_template_can_name_others_even_in_a_circle() {
    let around = [
        template("a", json!({"metrics": [metric("a", None)], "templates": [{"templateName": "b"}]})),
        template(
            "b",
            json!({"metrics": [metric("b", None)], "templates": [{"templateName": "a"}, {"templateName": "c"}]}),
        ),
    ];
    says(
        &waits_for(&["a"], json!([])),
        &around,
        &[&format!("Error: {STEP}.templates[0].templateName: Invalid value: \"c\": AnalysisTemplate 'c' not found")],
    );
}

#[test]
fn every_argument_has_a_value_and_every_value_an_argument() {
    let errors = template("errors", json!({"metrics": [metric("a", None)], "args": [{"name": "host"}]}));
    let unresolved = "args.host was not resolved: its template has no value for it, and none is given here";
    says(
        &waits_for(&["errors"], json!([{"name": "hots", "value": "x"}])),
        std::slice::from_ref(&errors),
        &[
            &format!("Warning: {STEP}.args: {unresolved}"),
            &format!("Warning: {STEP}.args[0].name: no template has an argument \"hots\", so it has no effect"),
        ],
    );
    let background = canary(json!({"analysis": {"templates": [{"templateName": "errors"}]}}));
    let field = "spec.strategy.canary.analysis.args";
    says(&background, std::slice::from_ref(&errors), &[&format!("Error: {field}: {unresolved}")]);
    says(&waits_for(&["errors"], json!([{"name": "host", "value": "x"}])), &[errors], &[]);
}

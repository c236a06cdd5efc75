//! Recorded outputs of Kubernetes' and Argo Rollouts' own code.

use serde::Deserialize;
use serde_json::Value;
use sluice_core::identity::go_json::{Dialect, encode_template};
use sluice_core::identity::hash::encode_steps;
use sluice_core::identity::{
    Quantity, clean_template, default_pod_template, legacy_pod_template_hash, pod_template_hash, step_hash,
};

fn read<T: for<'de> Deserialize<'de>>(text: &str) -> Vec<T> {
    serde_json::from_str(text).expect("the vectors are JSON")
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Recorded {
    #[serde(rename = "JSON")]
    json: String,
    #[serde(rename = "CC", default)]
    collision_count: Option<i32>,
    hash: String,
}

#[derive(Deserialize)]
struct Encoded {
    name: String,
    input: Value,
    json: String,
    hash: String,
}

#[derive(Deserialize)]
struct Written {
    text: String,
    canonical: Option<String>,
    milli: Option<String>,
}

#[test]
fn recorded_pod_templates_have_the_recorded_hash() {
    for case in read::<Recorded>(include_str!("golden/pod_hash.json")) {
        let template: Value = serde_json::from_str(&case.json).expect("the recorded JSON is JSON");
        assert_eq!(encode_template(&template, Dialect::Current), case.json);
        assert_eq!(pod_template_hash(&template, case.collision_count).as_str(), case.hash, "{}", case.json);
    }
}

#[test]
fn templates_had_another_hash_up_to_version_1_8() {
    let template = |name: &str| {
        serde_json::json!({
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{
                "name": name,
                "image": "nginx:1.19-alpine",
                "ports": [{"name": "http", "containerPort": 80, "protocol": "TCP"}],
                "resources": {"requests": {"memory": "16Mi", "cpu": "5m"}},
            }]},
        })
    };
    let plain = template("canary-scaledowndelay");
    let mut gated = template("dynamic-stable-scale");
    gated["spec"]["readinessGates"] = serde_json::json!([{"conditionType": "argoproj.io/e2e-readiness"}]);
    for (template, hash, legacy) in [(plain, "674d8cf959", "66597877b7"), (gated, "6b56c8cdb4", "868d98995b")] {
        assert_eq!(pod_template_hash(&template, None).as_str(), hash);
        assert_eq!(legacy_pod_template_hash(&template, None).as_str(), legacy);
    }
}

#[test]
fn recorded_steps_have_the_recorded_hash() {
    for case in read::<Recorded>(include_str!("golden/step_hash.json")) {
        let steps: Value = serde_json::from_str(&case.json).expect("the recorded JSON is JSON");
        assert_eq!(encode_steps(&steps), case.json);
        assert_eq!(step_hash(&steps), case.hash, "{}", case.json);
    }
}

#[test]
fn every_field_of_a_step_is_encoded_as_argo_rollouts_encodes_it() {
    let vectors = read::<Encoded>(include_str!("golden/step_fields.json"));
    assert!(vectors.len() > 20);
    for case in vectors {
        assert_eq!(encode_steps(&case.input), case.json, "{}", case.name);
        assert_eq!(step_hash(&case.input), case.hash, "{}", case.name);
    }
}

#[test]
fn every_field_of_a_pod_is_encoded_as_go_encodes_it() {
    check_encoded(include_str!("golden/pod_fields.json"));
}

#[test]
fn what_does_not_decode_is_left_out_as_argo_rollouts_leaves_it_out() {
    check_encoded(include_str!("golden/pod_tolerance.json"));
}

fn check_encoded(vectors: &str) {
    let vectors = read::<Encoded>(vectors);
    assert!(vectors.len() > 20);
    for case in vectors {
        assert_eq!(encode_template(&case.input, Dialect::Current), case.json, "{}", case.name);
        assert_eq!(pod_template_hash(&case.input, None).as_str(), case.hash, "{}", case.name);
    }
}

#[test]
fn quantities_are_read_and_written_as_kubernetes_does() {
    for case in read::<Written>(include_str!("golden/quantities.json")) {
        let quantity = Quantity::parse(&case.text).ok();
        assert_eq!(quantity.as_ref().map(ToString::to_string), case.canonical, "{:?}", case.text);
        let milli = quantity.map(|quantity| quantity.round_up_to_milli().to_string());
        assert_eq!(milli, case.milli, "{:?} in thousandths", case.text);
    }
}

#[derive(Deserialize)]
struct Defaulted {
    name: String,
    input: Value,
    #[serde(rename = "defaulted")]
    output: Value,
}

#[test]
fn pod_templates_get_the_defaults_of_the_api_server() {
    let vectors = read::<Defaulted>(include_str!("golden/pod_defaults.json"));
    assert!(vectors.len() > 300);
    for case in vectors {
        let mut template = clean_template(&case.input);
        default_pod_template(&mut template);
        assert_eq!(
            encode_template(&template, Dialect::Current),
            encode_template(&case.output, Dialect::Current),
            "{}",
            case.name
        );
    }
}

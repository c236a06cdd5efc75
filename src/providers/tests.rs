//! The examples can be measured as they stand.

use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};
use sluice_core::api::AnalysisTemplate;
use sluice_core::expr::{Condition, Env};

use super::Reading;
use super::served::{Seen, measure, ok, providers, serve};
use crate::clock::Clock;

/// What somebody would answer whose rollout goes well.
fn well(seen: &Seen) -> Option<Response<Body>> {
    let data = match seen.uri.path() {
        "/api/v1/query" => json!({"resultType": "vector", "result": [{"metric": {}, "value": [1, "0.99"]}]}),
        "/api/v1/query_range" => {
            json!({"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "0.2"], [2, "0.3"]]}]})
        }
        _ => {
            let checks = [("login", 0.5), ("checkout", 0.002)]
                .map(|(name, rate)| json!({"name": name, "ok": true, "errorRate": rate}));
            return ok(json!({"checks": checks}).to_string());
        }
    };
    ok(json!({"status": "success", "data": data}).to_string())
}

/// A template's metrics with its arguments filled in; where to ask is here.
fn filled(template: &Value, url: &str) -> Vec<Value> {
    let mut text = template["spec"]["metrics"].to_string();
    for argument in template["spec"]["args"].as_array().expect("arguments") {
        let name = argument["name"].as_str().expect("a name");
        let value = match name {
            "prometheus" | "url" => url,
            _ => argument["value"].as_str().unwrap_or("web"),
        };
        text = text.replace(&format!("{{{{args.{name}}}}}"), value);
    }
    assert!(!text.contains("{{"), "{text}");
    serde_json::from_str(&text).expect("metrics")
}

#[tokio::test]
async fn every_example_is_good_where_all_goes_well() {
    let served = serve(well).await;
    let all = providers(&[]);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/analysis");
    let mut metrics = 0;
    for entry in std::fs::read_dir(folder).expect("examples") {
        let path = entry.expect("an example").path();
        let text = std::fs::read_to_string(&path).expect("an example");
        let template: Value = serde_saphyr::from_str(&text).expect("YAML");
        serde_json::from_value::<AnalysisTemplate>(template.clone()).expect("a template");
        // Jobs need a cluster: `tests/decisions` runs every example on one.
        for metric in filled(&template, &served.url).into_iter().filter(|metric| metric["provider"]["job"].is_null()) {
            let answer = measure(&all, metric["provider"].clone()).await;
            let Reading::Value { value, .. } = answer.reading else { panic!("{}: {answer:?}", path.display()) };
            let holds = |field: &str| {
                let condition = Condition::parse(metric[field].as_str()?).expect("a condition");
                Some(condition.holds(&value, &Env { now: Clock::System.now() }).expect("a verdict"))
            };
            assert_eq!(holds("successCondition"), Some(true), "{}", path.display());
            assert_ne!(holds("failureCondition"), Some(true), "{}", path.display());
            metrics += 1;
        }
    }
    assert!(metrics >= 3, "{metrics}");
}

use super::*;

#[track_caller]
fn is_refused(blue_green: Value, expected: &str) {
    let strategy = json!({"blueGreen": blue_green});
    refuses("/spec/strategy", strategy, &format!("spec.strategy.blueGreen.{expected}"));
}

#[test]
fn the_active_and_the_preview_service_are_two() {
    is_refused(
        json!({"activeService": "web", "previewService": "web"}),
        "activeService: Invalid value: \"web\": This rollout uses the same service for the active and preview services, but two different services are required.",
    );
    is_refused(
        json!({"activeService": ""}),
        "activeService: Required value: blue-green switches the selector of this Service",
    );
}

#[test]
fn no_more_revisions_wait_than_the_history_keeps() {
    is_refused(
        json!({"activeService": "web", "scaleDownDelayRevisionLimit": 11}),
        "scaleDownDelayRevisionLimit: Invalid value: 11: This rollout's revision history limit can not be smaller than the rollout's scale down limit",
    );
}

#[test]
fn blue_green_shares_rules_with_the_canary() {
    is_refused(
        json!({"activeService": "web", "antiAffinity": {}}),
        "antiAffinity: Invalid value: {}: AntiAffinity must have exactly one strategy listed",
    );
    is_refused(
        json!({"activeService": "web", "maxUnavailable": "some"}),
        "maxUnavailable: Invalid value: \"some\": must be an integer or a percentage (for example \"25%\")",
    );
    let args = json!([{"name": "a", "valueFrom": {"fieldRef": {"fieldPath": "metadata.generation"}}}]);
    is_refused(
        json!({"activeService": "web", "prePromotionAnalysis": {"templates": [{"templateName": "t"}], "args": args}}),
        "prePromotionAnalysis.args[0].valueFrom.fieldRef.fieldPath: Invalid value: \"metadata.generation\": Analyses arguments must refer to valid object metadata supported by downwardAPI",
    );
}

#[test]
fn an_ordinary_blue_green_is_fine() {
    let strategy = json!({"blueGreen": {
        "activeService": "web", "previewService": "web-preview", "autoPromotionEnabled": false, "scaleDownDelaySeconds": 30,
        "postPromotionAnalysis": {"templates": [{"templateName": "errors"}]},
    }});
    assert_eq!(problems(&with("/spec/strategy", strategy)), []);
}

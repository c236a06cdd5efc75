//! Whether every proxy has taken an object up, where istiod says so (`PILOT_ENABLE_STATUS`).

use serde_json::Value;

/// By the condition `Reconciled`, and the generation that it is about; `None` where istiod does not write it.
pub(super) fn heard(object: &Value) -> Option<bool> {
    let status = &object["status"];
    let reconciled = status["conditions"].as_array()?.iter().find(|condition| condition["type"] == "Reconciled")?;
    let seen = number(&reconciled["observedGeneration"]).or_else(|| number(&status["observedGeneration"]))?;
    let generation = number(&object["metadata"]["generation"]).unwrap_or(0);
    Some(seen >= generation && reconciled["status"] == "True")
}

/// Istio writes 64-bit numbers as texts.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_is_taken_up_when_its_generation_is_reconciled() {
        let reconciled = |status: &str| json!([{"type": "Reconciled", "status": status}]);
        for (status, expected) in [
            (json!(null), None),
            (json!({"observedGeneration": "3", "validationMessages": []}), None),
            (json!({"conditions": reconciled("True")}), None),
            (json!({"observedGeneration": "3", "conditions": reconciled("True")}), Some(true)),
            (json!({"observedGeneration": 3, "conditions": reconciled("True")}), Some(true)),
            (json!({"observedGeneration": "2", "conditions": reconciled("True")}), Some(false)),
            (json!({"observedGeneration": "3", "conditions": reconciled("False")}), Some(false)),
            (json!({"conditions": [{"type": "Reconciled", "status": "True", "observedGeneration": "3"}]}), Some(true)),
        ] {
            let object = json!({"metadata": {"generation": 3}, "status": status});
            assert_eq!(heard(&object), expected, "{status}");
        }
    }
}

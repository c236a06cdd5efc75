//! What requests come through.

use serde_json::Value;

use super::{PROGRESSING, Verdict, condition, healthy, list, text};

pub(super) fn service(it: &Value) -> Verdict {
    if text(it, "/spec/type") == "LoadBalancer" { ingress(it) } else { healthy() }
}

pub(super) fn ingress(it: &Value) -> Verdict {
    if list(it, "/status/loadBalancer/ingress").is_empty() { (PROGRESSING, String::new()) } else { healthy() }
}

pub(super) fn api_service(it: &Value) -> Verdict {
    match condition(it, "Available") {
        Some(available) => {
            let why = format!("{}: {}", text(available, "/reason"), text(available, "/message"));
            (if available["status"] == "True" { super::HEALTHY } else { PROGRESSING }, why)
        }
        None => (PROGRESSING, "Waiting to be processed".to_owned()),
    }
}

//! `setHeaderRoute` and `setMirrorRoute`: only some routers have such routes, and each must be one of `managedRoutes`.

use std::collections::BTreeSet;

use super::canary::CANARY;
use super::problem::Problems;
use crate::api::{CanaryStrategy, SetHeaderRoute, SetMirrorRoute, StringMatch, TrafficRouting};

/// What the strategy says of routes.
pub(super) struct Routes<'a> {
    routing: Option<&'a TrafficRouting>,
    managed: BTreeSet<&'a str>,
}

impl<'a> Routes<'a> {
    pub(super) fn of(canary: &'a CanaryStrategy) -> Routes<'a> {
        let routing = canary.traffic_routing.as_ref();
        let managed = routing.map(|routing| routing.managed_routes.as_slice()).unwrap_or_default();
        Routes { routing, managed: managed.iter().map(|route| route.name.as_str()).collect() }
    }

    pub(super) fn check_header(&self, field: &str, route: &SetHeaderRoute, found: &mut Problems) {
        let Some(routing) = self.routing.filter(|routing| {
            let built_in = [
                routing.istio.is_some(),
                routing.alb.is_some(),
                routing.apisix.is_some(),
                routing.gateway_api.is_some(),
            ];
            built_in.contains(&true) || !routing.plugins.is_empty()
        }) else {
            let detail = "SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix";
            found.invalid(field, route, detail);
            return;
        };
        for (index, one) in route.matches.iter().enumerate() {
            let field = format!("{field}.match[{index}]");
            if one.header_name.is_empty() {
                // Of ours: no router has a header without a name.
                found.required(format!("{field}.headerName"), "");
            }
            let field = format!("{field}.headerValue");
            match &one.header_value {
                Some(value) if routing.alb.is_some() && (value.prefix.is_some() || value.regex.is_some()) => {
                    found.invalid(field, value, "SetHeaderRoute match value invalid. ALB supports 'exact' value only");
                }
                value => check_match(&field, value.as_ref(), found),
            }
        }
        self.check_name(field, &route.name, found);
    }

    pub(super) fn check_mirror(&self, field: &str, route: &SetMirrorRoute, found: &mut Problems) {
        let mirrors = |routing: &TrafficRouting| {
            routing.istio.is_some() || routing.gateway_api.is_some() || !routing.plugins.is_empty()
        };
        if !self.routing.is_some_and(mirrors) {
            found.invalid(field, route, "SetMirrorRoute requires TrafficRouting, supports Istio and Plugins");
            return;
        }
        for (index, one) in route.matches.iter().enumerate() {
            let field = format!("{field}.match[{index}]");
            for (name, value) in [("method", &one.method), ("path", &one.path)] {
                if value.is_some() {
                    check_match(&format!("{field}.{name}"), value.as_ref(), found);
                }
            }
            for (name, value) in &one.headers {
                check_match(&format!("{field}.headers[{name}]"), Some(value), found);
            }
        }
        if let Some(percentage) = route.percentage.filter(|percentage| !(0..=100).contains(percentage)) {
            // Of ours: the router refuses it.
            found.invalid(format!("{field}.percentage"), &percentage, "must be between 0 and 100");
        }
        self.check_name(field, &route.name, found);
    }

    fn check_name(&self, field: &str, name: &str, found: &mut Problems) {
        if self.managed.is_empty() {
            let detail = format!("Rollout has missing field '{CANARY}.trafficRouting.managedRoutes'");
            found.required(format!("{CANARY}.trafficRouting.managedRoutes"), &detail);
        } else if !self.managed.contains(name) {
            let detail = format!("Steps define a route that does not exist in {CANARY}.trafficRouting.managedRoutes");
            found.invalid(format!("{field}.name"), &name, &detail);
        }
    }
}

fn check_match(field: &str, value: Option<&StringMatch>, found: &mut Problems) {
    let set = value.map_or(0, |value| {
        [&value.exact, &value.prefix, &value.regex].into_iter().filter(|text| text.is_some()).count()
    });
    match set {
        1 => {}
        0 => {
            let detail = "StringMatch value missed, match value must have one of the following: exact, regex, prefix";
            found.invalid(field, &value, detail);
        }
        _ => {
            let detail = "StringMatch match value must have exactly one of the following: exact, regex, prefix";
            found.invalid(field, &value, detail);
        }
    }
}

//! `setHeaderRoute` and `setMirrorRoute`: requests that go elsewhere than their weight says.

use super::{Progress, StepContext, StepKind};
use crate::api::{CanaryStep, ManagedRoute};
use crate::traffic::Route;

/// A kind of step that makes or removes a route.
pub(super) struct SetRoute {
    field: &'static str,
    of: fn(&CanaryStep) -> Option<Change>,
}

/// What a step does to a route.
struct Change {
    name: String,
    /// `None` removes it.
    route: Option<Route>,
}

pub(super) const HEADER: SetRoute = SetRoute { field: "setHeaderRoute", of: header };
pub(super) const MIRROR: SetRoute = SetRoute { field: "setMirrorRoute", of: mirror };

fn header(step: &CanaryStep) -> Option<Change> {
    let route = step.set_header_route.as_ref()?;
    let kept = (!route.matches.is_empty()).then(|| Route::Header(route.clone()));
    Some(Change { name: route.name.clone(), route: kept })
}

fn mirror(step: &CanaryStep) -> Option<Change> {
    let route = step.set_mirror_route.as_ref()?;
    let kept = (!route.matches.is_empty()).then(|| Route::Mirror(route.clone()));
    Some(Change { name: route.name.clone(), route: kept })
}

impl StepKind for SetRoute {
    fn field(&self) -> &'static str {
        self.field
    }

    fn is_set(&self, step: &CanaryStep) -> bool {
        (self.of)(step).is_some()
    }

    fn describe(&self, step: &CanaryStep) -> String {
        (self.of)(step).map_or_else(String::new, |change| format!("{}: {}", self.field, change.name))
    }

    fn validate(&self, _: &CanaryStep) -> Result<(), String> {
        // Which routers can do it, and which routes there are, `validate::routes` knows.
        Ok(())
    }

    fn advance(&self, _: &CanaryStep, cx: &StepContext<'_>) -> Progress {
        cx.traffic.map_or(Progress::Done, |missing| Progress::Wait(missing.clone()))
    }
}

/// The routes in force at `index`, in the order of `managedRoutes`, which is that of their precedence. Past the last step they are
/// as the steps have left them.
pub fn routes_at(steps: &[CanaryStep], index: usize, managed: &[ManagedRoute]) -> Vec<Route> {
    let passed = &steps[..steps.len().min(index + 1)];
    let last = |name: &str| {
        let changes = passed.iter().rev().filter_map(|step| header(step).or_else(|| mirror(step)));
        changes.into_iter().find(|change| change.name == name)?.route
    };
    managed.iter().filter_map(|route| last(&route.name)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn routes_come_in_the_order_of_managed_routes_and_go_with_an_empty_match() {
        let steps: Vec<CanaryStep> = serde_json::from_value(json!([
            {"setWeight": 10},
            {"setMirrorRoute": {"name": "copy", "match": [{"method": {"exact": "GET"}}]}},
            {"setHeaderRoute": {"name": "beta", "match": [{"headerName": "x", "headerValue": {"exact": "1"}}]}},
            {"setMirrorRoute": {"name": "copy"}},
        ]))
        .expect("steps");
        let managed: Vec<ManagedRoute> =
            serde_json::from_value(json!([{"name": "beta"}, {"name": "copy"}])).expect("names");
        let names = |index| {
            let routes = routes_at(&steps, index, &managed);
            routes.iter().map(|route| route.name().to_owned()).collect::<Vec<_>>()
        };
        assert!(names(0).is_empty());
        assert_eq!(names(1), ["copy"]);
        assert_eq!(names(2), ["beta", "copy"]);
        assert_eq!((names(3), names(4)), (vec!["beta".to_owned()], vec!["beta".to_owned()]));
    }
}

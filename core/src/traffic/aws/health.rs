//! Whether the target group of a Service has the pods that the Service has.

use super::{Group, Led, Target};

const HEALTHY: &str = "healthy";
/// The state of a target whose group gets no requests.
const UNUSED: &str = "unused";

/// What a target group lacks of sending requests to the ready pods of its Service, and to nobody else; in words. `leads` is the
/// revision that the Service leads to, where that matters; a group that is idle so far need not check the health of its targets.
pub(in super::super) fn lacking(group: &Group, led: &Led, leads: Option<&str>, idle: bool) -> Option<String> {
    if let Some(other) = led.revisions.iter().find(|revision| leads.is_some_and(|leads| leads != *revision)) {
        return Some(format!("when AWS was asked, its Service led to pods of revision {other:?}"));
    }
    let serves = |target: &Target| target.state == HEALTHY || (idle && target.state == UNUSED);
    // Nobody is to get requests, and nobody does.
    if led.addresses.is_empty() && !group.targets.iter().any(serves) {
        return None;
    }
    if !group.of_addresses {
        let any = group.targets.iter().any(serves);
        return (!any).then(|| format!("none of its {} targets is healthy", group.targets.len()));
    }
    let own: Vec<&String> = led.addresses.iter().filter(|address| address.contains(':') == group.ipv6).collect();
    if own.is_empty() {
        return Some("its Service had no ready pods when AWS was asked".to_owned());
    }
    for address in own.iter().copied() {
        // One that listens on several ports is registered several times.
        let targets: Vec<&Target> = group.targets.iter().filter(|target| target.id == *address).collect();
        let Some(target) = targets.iter().find(|target| !serves(target)).or(targets.first()) else {
            return Some(format!("the ready pod {address} is not registered"));
        };
        if !serves(target) {
            let Target { state, reason, .. } = target;
            let why = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
            return Some(format!("the ready pod {address} is {state}{why}"));
        }
    }
    let left = group.targets.iter().find(|target| target.state == HEALTHY && !own.contains(&&target.id));
    left.filter(|_| !group.shared)
        .map(|target| format!("it sends requests to {}, which is no ready pod of its Service any more", target.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Targets and their states.
    type Targets<'a> = &'a [(&'a str, &'a str)];

    fn group(targets: Targets<'_>) -> Group {
        let target = |(id, state): &(&str, &str)| Target {
            id: (*id).to_owned(),
            state: (*state).to_owned(),
            reason: if *state == "initial" { "Elb.RegistrationInProgress".into() } else { String::new() },
        };
        Group { of_addresses: true, targets: targets.iter().map(target).collect(), ..Group::default() }
    }

    fn led(revision: &str, addresses: &[&str]) -> Led {
        Led {
            revisions: [revision.to_owned()].into(),
            addresses: addresses.iter().map(|address| (*address).to_owned()).collect(),
        }
    }

    #[test]
    fn a_group_has_the_ready_pods_and_nobody_else() {
        let both = led("v2", &["10.0.0.1", "10.0.0.2"]);
        let (first, second) = (("10.0.0.1", "healthy"), ("10.0.0.2", "healthy"));
        let cases: [(Targets<'_>, Option<&str>); 7] = [
            (&[first, second], None),
            (&[first, second, ("10.0.0.9", "draining")], None),
            (&[first, second, ("10.0.0.9", "unhealthy")], None),
            (&[first], Some("the ready pod 10.0.0.2 is not registered")),
            (&[first, ("10.0.0.2", "initial")], Some("the ready pod 10.0.0.2 is initial (Elb.RegistrationInProgress)")),
            (&[first, second, ("10.0.0.2", "unhealthy")], Some("the ready pod 10.0.0.2 is unhealthy")),
            (
                &[first, second, ("10.0.0.9", "healthy")],
                Some("it sends requests to 10.0.0.9, which is no ready pod of its Service any more"),
            ),
        ];
        for (targets, expected) in cases {
            assert_eq!(lacking(&group(targets), &both, Some("v2"), false).as_deref(), expected, "{targets:?}");
        }
    }

    #[test]
    fn what_other_clusters_register_is_theirs() {
        let shared = Group { shared: true, ..group(&[("10.0.0.1", "healthy"), ("10.9.0.1", "healthy")]) };
        assert_eq!(lacking(&shared, &led("v2", &["10.0.0.1"]), Some("v2"), false), None);
    }

    #[test]
    fn a_service_that_led_elsewhere_or_nowhere_is_no_evidence() {
        let group = group(&[("10.0.0.1", "healthy")]);
        let of = |led: &Led| lacking(&group, led, Some("v2"), false).unwrap_or_default();
        assert!(of(&led("v1", &["10.0.0.1"])).contains("revision \"v1\""));
        assert!(of(&Led::default()).contains("no ready pods"), "somebody gets its requests");
        assert_eq!(lacking(&group, &led("v1", &["10.0.0.1"]), None, false), None, "nobody asks which");
    }

    #[test]
    fn nobody_has_to_be_in_the_group_of_a_service_without_pods() {
        let nobody = Led::default();
        assert_eq!(lacking(&group(&[("10.0.0.1", "draining")]), &nobody, Some("v2"), false), None);
        let nodes = Group { of_addresses: false, ..group(&[("i-1", "unhealthy")]) };
        assert_eq!(lacking(&nodes, &nobody, Some("v2"), false), None);
    }

    #[test]
    fn only_addresses_of_the_groups_family_are_registered_and_an_idle_group_checks_nothing() {
        let both = led("v2", &["10.0.0.1", "fd00::1"]);
        let six = Group { ipv6: true, ..group(&[("fd00::1", "healthy")]) };
        assert_eq!(lacking(&six, &both, Some("v2"), false), None);
        let unused = group(&[("10.0.0.1", "unused")]);
        assert_eq!(lacking(&unused, &both, Some("v2"), true), None);
        assert_eq!(lacking(&unused, &both, Some("v2"), false).as_deref(), Some("the ready pod 10.0.0.1 is unused"));
    }

    #[test]
    fn of_nodes_one_that_is_healthy_is_enough() {
        let of = |states: &[(&str, &str)]| Group { of_addresses: false, ..group(states) };
        let lacks = |group: &Group| lacking(group, &led("v2", &["10.0.0.1"]), Some("v2"), false);
        assert_eq!(lacks(&of(&[("i-1", "unhealthy"), ("i-2", "healthy")])), None);
        assert_eq!(lacks(&of(&[("i-1", "initial")])).as_deref(), Some("none of its 1 targets is healthy"));
    }
}

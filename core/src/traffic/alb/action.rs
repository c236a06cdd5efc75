//! The action of a load balancer's rule, as the annotation `actions.<name>` has it. Others compare its text, so the order of its keys
//! and the quotes around ports count.

use serde::Serialize;
use serde_json::Value;

use super::super::ingress;
use crate::api::StickinessConfig;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Action<'a> {
    #[serde(rename = "Type")]
    kind: &'static str,
    forward_config: ForwardConfig<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ForwardConfig<'a> {
    target_groups: Vec<TargetGroup<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_group_stickiness_config: Option<Stickiness>,
}

/// A Service, and its share.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TargetGroup<'a> {
    service_name: &'a str,
    service_port: String,
    weight: i32,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Stickiness {
    enabled: bool,
    duration_seconds: i64,
}

impl TargetGroup<'_> {
    pub(super) fn new(service: &str, port: i32, weight: i32) -> TargetGroup<'_> {
        TargetGroup { service_name: service, service_port: port.to_string(), weight }
    }
}

/// The text of an action that divides requests among Services.
pub(super) fn forward(target_groups: Vec<TargetGroup<'_>>, sticky: Option<&StickinessConfig>) -> String {
    let sticky = sticky.filter(|sticky| sticky.enabled);
    let target_group_stickiness_config =
        sticky.map(|sticky| Stickiness { enabled: true, duration_seconds: sticky.duration_seconds });
    let forward_config = ForwardConfig { target_groups, target_group_stickiness_config };
    // Names, numbers and booleans always become text.
    serde_json::to_string(&Action { kind: "forward", forward_config }).unwrap_or_default()
}

/// A Service and its share, as an action has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Group {
    pub(in super::super) service: String,
    pub(in super::super) port: String,
    pub(in super::super) weight: u64,
}

/// The Services of an action, and their shares; `None` where it does not read.
fn read(text: &str) -> Option<Vec<Group>> {
    let action = serde_json::from_str::<Value>(text).ok()?;
    let groups = field(&action, "ForwardConfig").and_then(|config| field(config, "TargetGroups")?.as_array());
    let text_of = |value: Option<&Value>| match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let group = |group: &Value| Group {
        service: text_of(field(group, "ServiceName")),
        port: text_of(field(group, "ServicePort")),
        weight: field(group, "Weight").and_then(Value::as_i64).unwrap_or(1).clamp(0, 1_000_000).unsigned_abs(),
    };
    Some(groups.into_iter().flatten().map(group).collect())
}

/// The Services of an action, and their shares; none where it does not read.
pub(in super::super) fn groups(text: &str) -> Vec<Group> {
    read(text).unwrap_or_default()
}

/// The lowest and the highest weight out of `max` that an action may give to a Service. By one that does not read, the load balancer
/// does what it did before, which nobody knows.
pub(super) fn share(text: &str, service: &str, max: i32) -> (i32, i32) {
    let Some(groups) = read(text) else { return (0, max) };
    let weight = |group: &Group| group.weight.cast_signed();
    let own = groups.iter().find(|group| group.service == service).map_or(0, weight);
    let share = ingress::share(own, groups.iter().map(weight).sum(), max);
    (share, share)
}

/// A field by its name; the load balancer controller takes no notice of capitals.
fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_reads_as_others_expect_it() {
        let groups = || vec![TargetGroup::new("canary", 80, 5), TargetGroup::new("stable", 80, 95)];
        let both = concat!(
            r#"{"Type":"forward","ForwardConfig":{"TargetGroups":["#,
            r#"{"ServiceName":"canary","ServicePort":"80","Weight":5},"#,
            r#"{"ServiceName":"stable","ServicePort":"80","Weight":95}]"#,
        );
        let sticky = |enabled| StickinessConfig { enabled, duration_seconds: 3600 };
        let cases = [
            (None, "}}"),
            (Some(sticky(false)), "}}"),
            (Some(sticky(true)), r#","TargetGroupStickinessConfig":{"Enabled":true,"DurationSeconds":3600}}}"#),
        ];
        for (sticky, end) in cases {
            assert_eq!(forward(groups(), sticky.as_ref()), format!("{both}{end}"));
        }
    }

    #[test]
    fn a_share_is_read_however_somebody_writes_the_action() {
        let groups = |one: &str, other: &str| {
            format!(
                r#"{{"type":"forward","forwardConfig":{{"targetGroups":[{{"serviceName":"canary"{one}}},{{"serviceName":"stable"{other}}}]}}}}"#
            )
        };
        let cases = [
            (groups(r#","weight":20"#, r#","weight":80"#), (20, 20)),
            (groups(r#","weight":1"#, r#","weight":2"#), (34, 34)),
            (groups("", ""), (50, 50)),
            (groups(r#","weight":0"#, r#","weight":0"#), (0, 0)),
            (groups(r#","weight":-5"#, r#","weight":9223372036854775807"#), (0, 0)),
            (r#"{"Type":"fixed-response"}"#.to_owned(), (0, 0)),
            ("[]".to_owned(), (0, 0)),
            ("20".to_owned(), (0, 0)),
            ("{".to_owned(), (0, 100)),
        ];
        for (text, expected) in cases {
            assert_eq!(share(&text, "canary", 100), expected, "{text}");
        }
    }
}

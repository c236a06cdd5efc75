//! What the API server fills into a pod template.
//!
//! A Rollout's template is stored as written, a ReplicaSet's comes back with defaults. To compare the two, the same
//! defaults are applied here: those of Kubernetes 1.34 for a `PodTemplate`, which are fewer than those for a Pod (limits
//! do not become requests, the host network does not fill host ports).
//!
//! Nearly all of it is a table of places and values. The rest is what depends on other values: the pull policy on the
//! image's tag, a volume without a source, and quantities finer than a thousandth.

use serde_json::{Map, Value};

use super::image::is_latest;
use super::quantity::Quantity;

/// A value that a field gets when it has none.
struct Default {
    /// The object that holds the field, from the pod's spec or from a container on; nothing is created to hold it.
    at: &'static str,
    field: &'static str,
    value: Literal,
    /// Whether Go has a pointer here, so that an explicit zero counts as a value.
    zero_counts: bool,
}

#[derive(Clone, Copy)]
enum Literal {
    Text(&'static str),
    Number(i64),
    No,
    EmptyObject,
}

const fn unset(at: &'static str, field: &'static str, value: Literal) -> Default {
    Default { at, field, value, zero_counts: true }
}

const fn zero(at: &'static str, field: &'static str, value: Literal) -> Default {
    Default { at, field, value, zero_counts: false }
}

use Literal::{EmptyObject, No, Number, Text};

/// `0644`: files from volumes are readable by all.
const FILE_MODE: Literal = Number(0o644);

const OF_PODS: &[Default] = &[
    zero("", "dnsPolicy", Text("ClusterFirst")),
    zero("", "restartPolicy", Text("Always")),
    zero("", "schedulerName", Text("default-scheduler")),
    unset("", "securityContext", EmptyObject),
    unset("", "terminationGracePeriodSeconds", Number(30)),
    unset("volumes[].azureDisk", "cachingMode", Text("ReadWrite")),
    unset("volumes[].azureDisk", "fsType", Text("ext4")),
    unset("volumes[].azureDisk", "kind", Text("Shared")),
    unset("volumes[].azureDisk", "readOnly", No),
    unset("volumes[].configMap", "defaultMode", FILE_MODE),
    unset("volumes[].downwardAPI", "defaultMode", FILE_MODE),
    zero("volumes[].downwardAPI.items[].fieldRef", "apiVersion", Text("v1")),
    unset("volumes[].ephemeral.volumeClaimTemplate.spec", "volumeMode", Text("Filesystem")),
    unset("volumes[].hostPath", "type", Text("")),
    zero("volumes[].iscsi", "iscsiInterface", Text("default")),
    unset("volumes[].projected", "defaultMode", FILE_MODE),
    zero("volumes[].projected.sources[].downwardAPI.items[].fieldRef", "apiVersion", Text("v1")),
    unset("volumes[].projected.sources[].serviceAccountToken", "expirationSeconds", Number(3600)),
    zero("volumes[].rbd", "keyring", Text("/etc/ceph/keyring")),
    zero("volumes[].rbd", "pool", Text("rbd")),
    zero("volumes[].rbd", "user", Text("admin")),
    zero("volumes[].scaleIO", "fsType", Text("xfs")),
    zero("volumes[].scaleIO", "storageMode", Text("ThinProvisioned")),
    unset("volumes[].secret", "defaultMode", FILE_MODE),
];

const OF_CONTAINERS: &[Default] = &[
    zero("", "terminationMessagePath", Text("/dev/termination-log")),
    zero("", "terminationMessagePolicy", Text("File")),
    zero("env[].valueFrom.fieldRef", "apiVersion", Text("v1")),
    unset("env[].valueFrom.fileKeyRef", "optional", No),
    zero("lifecycle.postStart.httpGet", "path", Text("/")),
    zero("lifecycle.postStart.httpGet", "scheme", Text("HTTP")),
    zero("lifecycle.preStop.httpGet", "path", Text("/")),
    zero("lifecycle.preStop.httpGet", "scheme", Text("HTTP")),
    zero("ports[]", "protocol", Text("TCP")),
];

const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];

const OF_PROBES: &[Default] = &[
    zero("", "failureThreshold", Number(3)),
    zero("", "periodSeconds", Number(10)),
    zero("", "successThreshold", Number(1)),
    zero("", "timeoutSeconds", Number(1)),
    unset("grpc", "service", Text("")),
    zero("httpGet", "path", Text("/")),
    zero("httpGet", "scheme", Text("HTTP")),
];

const CONTAINER_LISTS: [&str; 3] = ["containers[]", "initContainers[]", "ephemeralContainers[]"];

/// The resource lists of a pod's spec outside containers; each is a map of quantities.
const RESOURCES_OF_PODS: [&str; 5] = [
    "overhead",
    "resources.limits",
    "resources.requests",
    "volumes[].ephemeral.volumeClaimTemplate.spec.resources.limits",
    "volumes[].ephemeral.volumeClaimTemplate.spec.resources.requests",
];
const RESOURCES_OF_CONTAINERS: [&str; 2] = ["resources.limits", "resources.requests"];

/// Fills in what the API server of Kubernetes 1.34 fills into the pod template of a ReplicaSet. Values of unexpected
/// types stay as they are.
pub fn default_pod_template(template: &mut Value) {
    let Some(template) = template.as_object_mut() else { return };
    let spec = template.entry("spec").or_insert(Value::Null);
    if spec.is_null() {
        *spec = Value::Object(Map::new());
    }
    each(spec, "volumes[]", &mut |volume| {
        if volume.iter().all(|(name, source)| name == "name" || source.is_null()) {
            volume.insert("emptyDir".to_owned(), Value::Object(Map::new()));
        }
    });
    apply(spec, OF_PODS);
    round_up(spec, &RESOURCES_OF_PODS);
    for list in CONTAINER_LISTS {
        each_value(spec, list, &mut default_container);
    }
}

fn default_container(container: &mut Value) {
    let latest = is_latest(container.get("image").and_then(Value::as_str).unwrap_or_default());
    apply(container, &[zero("", "imagePullPolicy", Text(if latest { "Always" } else { "IfNotPresent" }))]);
    apply(container, OF_CONTAINERS);
    for probe in PROBES {
        each_value(container, probe, &mut |probe| apply(probe, OF_PROBES));
    }
    round_up(container, &RESOURCES_OF_CONTAINERS);
}

fn apply(root: &mut Value, defaults: &[Default]) {
    for default in defaults {
        each(root, default.at, &mut |object| {
            let keep = object.get(default.field).is_some_and(|value| match value {
                Value::Null => false,
                Value::String(text) => default.zero_counts || !text.is_empty(),
                Value::Number(number) => default.zero_counts || number.as_f64() != Some(0.0),
                _ => true,
            });
            if !keep {
                object.insert(default.field.to_owned(), default.value.into());
            }
        });
    }
}

fn round_up(root: &mut Value, lists: &[&str]) {
    for list in lists {
        each(root, list, &mut |resources| {
            for amount in resources.values_mut() {
                if let Some(Ok(quantity)) = amount.as_str().map(Quantity::parse) {
                    *amount = quantity.round_up_to_milli().to_string().into();
                }
            }
        });
    }
}

/// Visits every object at a path such as `volumes[].projected.sources[]`.
fn each(root: &mut Value, path: &str, visit: &mut dyn FnMut(&mut Map<String, Value>)) {
    each_value(root, path, &mut |value| {
        if let Some(object) = value.as_object_mut() {
            visit(object);
        }
    });
}

fn each_value(value: &mut Value, path: &str, visit: &mut dyn FnMut(&mut Value)) {
    if path.is_empty() {
        return visit(value);
    }
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let (name, is_list) = first.strip_suffix("[]").map_or((first, false), |name| (name, true));
    match value.get_mut(name) {
        Some(Value::Array(items)) if is_list => items.iter_mut().for_each(|item| each_value(item, rest, visit)),
        Some(next) if next.is_object() && !is_list => each_value(next, rest, visit),
        _ => {}
    }
}

impl From<Literal> for Value {
    fn from(literal: Literal) -> Self {
        match literal {
            Text(text) => text.into(),
            Number(number) => number.into(),
            No => false.into(),
            EmptyObject => Self::Object(Map::new()),
        }
    }
}

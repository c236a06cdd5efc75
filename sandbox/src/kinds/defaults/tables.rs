//! Defaults that are nothing but a field and its value.

use super::fill::Literal::{Bool, Empty, Null, Number, Text};
use super::fill::{Fill, unset, zero};

/// Where a kind has its pod template.
pub(super) fn template(group: &str, kind: &str) -> Option<&'static str> {
    match (group, kind) {
        ("apps", "ReplicaSet" | "Deployment" | "StatefulSet" | "DaemonSet") | ("batch", "Job") => {
            Some("spec!.template!")
        }
        ("", "ReplicationController") => Some("spec!.template"),
        ("batch", "CronJob") => Some("spec!.jobTemplate!.spec!.template!"),
        ("", "PodTemplate") => Some("template!"),
        _ => None,
    }
}

/// The defaults of a kind.
pub(super) fn of(group: &str, kind: &str) -> &'static [Fill] {
    match (group, kind) {
        ("", "Event") => CORE_EVENT,
        ("events.k8s.io", "Event") => EVENT,
        ("", "Namespace") => NAMESPACE,
        ("", "Node") => NODE,
        ("", "Pod") => POD,
        ("", "LimitRange") => LIMIT_RANGE,
        ("", "ResourceQuota") => QUOTA,
        ("", "Endpoints") => ENDPOINTS,
        ("", "PersistentVolumeClaim") => CLAIM,
        ("", "ReplicationController") => REPLICATION_CONTROLLER,
        ("apps", "ReplicaSet") => REPLICA_SET,
        ("apps", "Deployment") => DEPLOYMENT,
        ("apps", "StatefulSet") => STATEFUL_SET,
        ("apps", "DaemonSet") => DAEMON_SET,
        ("batch", "Job") => JOB,
        ("batch", "CronJob") => CRON_JOB,
        ("autoscaling", "HorizontalPodAutoscaler") => AUTOSCALER,
        ("policy", "PodDisruptionBudget") => DISRUPTION_BUDGET,
        ("coordination.k8s.io", "Lease") => LEASE,
        ("discovery.k8s.io", "EndpointSlice") => ENDPOINT_SLICE,
        ("networking.k8s.io", "Ingress") => INGRESS,
        ("networking.k8s.io", "NetworkPolicy") => NETWORK_POLICY,
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => ROLE,
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => BINDING,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => DEFINITION,
        _ => &[],
    }
}

const NAMESPACE: &[Fill] = &[zero("status!", "phase", Text("Active"))];
const NODE: &[Fill] = &[
    unset("", "spec", Empty),
    unset("status!.daemonEndpoints!.kubeletEndpoint!", "Port", Number(0)),
    unset("status!.nodeInfo!", "architecture", Text("")),
    unset("status!.nodeInfo!", "bootID", Text("")),
    unset("status!.nodeInfo!", "containerRuntimeVersion", Text("")),
    unset("status!.nodeInfo!", "kernelVersion", Text("")),
    unset("status!.nodeInfo!", "kubeProxyVersion", Text("")),
    unset("status!.nodeInfo!", "kubeletVersion", Text("")),
    unset("status!.nodeInfo!", "machineID", Text("")),
    unset("status!.nodeInfo!", "operatingSystem", Text("")),
    unset("status!.nodeInfo!", "osImage", Text("")),
    unset("status!.nodeInfo!", "systemUUID", Text("")),
];
const POD: &[Fill] =
    &[unset("status!.conditions[]", "lastProbeTime", Null), unset("status!.conditions[]", "lastTransitionTime", Null)];
const LIMIT_RANGE: &[Fill] = &[unset("", "spec", Empty)];
const QUOTA: &[Fill] = &[unset("", "spec", Empty), unset("", "status", Empty)];
const ENDPOINTS: &[Fill] = &[zero("subsets[].ports[]", "protocol", Text("TCP"))];
const LEASE: &[Fill] = &[unset("", "spec", Empty)];
const ROLE: &[Fill] = &[unset("", "rules", Null)];

const CORE_EVENT: &[Fill] = &[
    unset("", "source", Empty),
    unset("", "involvedObject", Empty),
    unset("", "firstTimestamp", Null),
    unset("", "lastTimestamp", Null),
    unset("", "eventTime", Null),
    unset("", "reportingComponent", Text("")),
    unset("", "reportingInstance", Text("")),
];

const EVENT: &[Fill] = &[
    unset("", "deprecatedSource", Empty),
    unset("", "deprecatedFirstTimestamp", Null),
    unset("", "deprecatedLastTimestamp", Null),
    unset("", "eventTime", Null),
    unset("", "regarding", Empty),
];

const CLAIM: &[Fill] = &[
    unset("spec!", "resources", Empty),
    unset("spec!", "volumeMode", Text("Filesystem")),
    zero("status!", "phase", Text("Pending")),
];

const REPLICATION_CONTROLLER: &[Fill] =
    &[unset("spec!", "replicas", Number(1)), unset("status!", "replicas", Number(0))];

const REPLICA_SET: &[Fill] = &[unset("spec!", "replicas", Number(1)), unset("status!", "replicas", Number(0))];

const DEPLOYMENT: &[Fill] = &[
    unset("spec!", "replicas", Number(1)),
    unset("spec!", "revisionHistoryLimit", Number(10)),
    unset("spec!", "progressDeadlineSeconds", Number(600)),
    zero("spec!.strategy!", "type", Text("RollingUpdate")),
    unset("", "status", Empty),
];

const STATEFUL_SET: &[Fill] = &[
    unset("spec!", "replicas", Number(1)),
    unset("spec!", "revisionHistoryLimit", Number(10)),
    unset("spec!", "serviceName", Text("")),
    zero("spec!", "podManagementPolicy", Text("OrderedReady")),
    zero("spec!.updateStrategy!", "type", Text("RollingUpdate")),
    zero("spec!.persistentVolumeClaimRetentionPolicy!", "whenDeleted", Text("Retain")),
    zero("spec!.persistentVolumeClaimRetentionPolicy!", "whenScaled", Text("Retain")),
    zero("spec!.volumeClaimTemplates[]", "apiVersion", Text("v1")),
    zero("spec!.volumeClaimTemplates[]", "kind", Text("PersistentVolumeClaim")),
    unset("spec!.volumeClaimTemplates[].spec!", "resources", Empty),
    unset("spec!.volumeClaimTemplates[].spec!", "volumeMode", Text("Filesystem")),
    zero("spec!.volumeClaimTemplates[].status!", "phase", Text("Pending")),
    unset("status!", "replicas", Number(0)),
    unset("status!", "availableReplicas", Number(0)),
];

const DAEMON_SET: &[Fill] = &[
    unset("spec!", "revisionHistoryLimit", Number(10)),
    zero("spec!.updateStrategy!", "type", Text("RollingUpdate")),
    unset("status!", "currentNumberScheduled", Number(0)),
    unset("status!", "numberMisscheduled", Number(0)),
    unset("status!", "desiredNumberScheduled", Number(0)),
    unset("status!", "numberReady", Number(0)),
];

const JOB: &[Fill] = &[
    unset("spec!", "completionMode", Text("NonIndexed")),
    unset("spec!", "backoffLimit", Number(6)),
    unset("spec!", "suspend", Bool(false)),
    unset("spec!", "manualSelector", Bool(false)),
    zero("spec!", "podReplacementPolicy", Text("TerminatingOrFailed")),
    unset("", "status", Empty),
];

const CRON_JOB: &[Fill] = &[
    zero("spec!", "concurrencyPolicy", Text("Allow")),
    unset("spec!", "suspend", Bool(false)),
    unset("spec!", "successfulJobsHistoryLimit", Number(3)),
    unset("spec!", "failedJobsHistoryLimit", Number(1)),
    unset("spec!.jobTemplate!", "metadata", Empty),
    unset("", "status", Empty),
];

const AUTOSCALER: &[Fill] = &[
    unset("spec!", "minReplicas", Number(1)),
    unset("status!", "desiredReplicas", Number(0)),
    unset("status!", "currentMetrics", Null),
];

const DISRUPTION_BUDGET: &[Fill] = &[
    unset("", "spec", Empty),
    unset("status!", "disruptionsAllowed", Number(0)),
    unset("status!", "currentHealthy", Number(0)),
    unset("status!", "desiredHealthy", Number(0)),
    unset("status!", "expectedPods", Number(0)),
];

const ENDPOINT_SLICE: &[Fill] = &[
    unset("endpoints[]", "conditions", Empty),
    unset("", "endpoints", Null),
    unset("", "ports", Null),
    unset("ports[]", "name", Text("")),
    unset("ports[]", "protocol", Text("TCP")),
];

const INGRESS: &[Fill] = &[unset("", "spec", Empty), unset("status!", "loadBalancer", Empty)];

const NETWORK_POLICY: &[Fill] = &[
    unset("spec!", "podSelector", Empty),
    unset("spec!.ingress[].ports[]", "protocol", Text("TCP")),
    unset("spec!.egress[].ports[]", "protocol", Text("TCP")),
];

const BINDING: &[Fill] = &[zero("roleRef", "apiGroup", Text("rbac.authorization.k8s.io"))];

const DEFINITION: &[Fill] = &[
    zero("spec.conversion!", "strategy", Text("None")),
    unset("spec.conversion.webhook.clientConfig.service", "port", Number(443)),
    unset("status!", "conditions", Null),
    unset("status!.acceptedNames!", "plural", Text("")),
    unset("status!.acceptedNames!", "kind", Text("")),
];

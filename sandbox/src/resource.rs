//! The resources that the API serves: the built-in ones, and those that CustomResourceDefinitions add.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::store::ResourceKey;

/// A resource in one version.
#[derive(Debug)]
pub struct Resource {
    /// `replicasets.apps`; the core group adds nothing.
    pub key: ResourceKey,
    /// The group; empty for the core.
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind of its objects.
    pub kind: String,
    /// The kind of its lists.
    pub list_kind: String,
    /// The name in paths.
    pub plural: String,
    /// The name of one.
    pub singular: String,
    /// Abbreviations.
    pub short_names: Vec<String>,
    /// Groups of resources that it belongs to, such as `all`.
    pub categories: Vec<String>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Whether the status has a path of its own.
    pub status: bool,
    /// Where the scale subresource reads and writes, if there is one.
    pub scale: Option<Scale>,
    /// Whether a CustomResourceDefinition made it.
    pub custom: bool,
}

/// Where an object keeps what the scale subresource shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Pointer to the wanted replicas.
    pub spec_replicas: String,
    /// Pointer to the observed replicas.
    pub status_replicas: String,
    /// Pointer to the label selector as a line of text; built-in kinds have a selector in `spec` instead.
    pub selector: Option<String>,
}

impl Resource {
    /// `v1` or `apps/v1`.
    pub fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }
}

/// Every resource by group and name, each with the versions that are served, the stored one first.
#[derive(Debug, Default)]
pub struct Registry {
    resources: BTreeMap<(String, String), Vec<Arc<Resource>>>,
}

impl Registry {
    /// The built-in resources.
    pub fn builtin() -> Registry {
        let mut registry = Registry::default();
        for &(group, kind, plural, namespaced, status) in BUILTIN {
            registry.add(Arc::new(builtin(group, kind, plural, namespaced, status)));
        }
        registry
    }

    fn add(&mut self, resource: Arc<Resource>) {
        let key = (resource.group.clone(), resource.plural.clone());
        self.resources.entry(key).or_default().push(resource);
    }

    /// The resource of a path.
    pub fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Resource>> {
        let versions = self.resources.get(&(group.to_owned(), plural.to_owned()))?;
        versions.iter().find(|resource| resource.version == version)
    }

    /// The resource of a kind, in the version that an object names.
    pub fn kind(&self, group: &str, version: &str, kind: &str) -> Option<&Arc<Resource>> {
        self.iter().find(|resource| resource.group == group && resource.version == version && resource.kind == kind)
    }

    /// The resource by its key.
    pub fn key(&self, key: &str) -> Option<&Arc<Resource>> {
        let (plural, group) = key.split_once('.').unwrap_or((key, ""));
        self.resources.get(&(group.to_owned(), plural.to_owned()))?.first()
    }

    /// A built-in resource of which the sandbox knows that it exists.
    pub fn known(&self, key: &str) -> Arc<Resource> {
        Arc::clone(self.key(key).unwrap_or_else(|| unreachable!("{key} is built in")))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.resources.values().flatten()
    }

    /// Serves what a CustomResourceDefinition defines.
    pub fn define(&mut self, definition: &Value) {
        self.undefine(definition);
        let spec = &definition["spec"];
        let text = |pointer: &str| spec.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let list = |pointer: &str| serde_json::from_value(spec.pointer(pointer).cloned().unwrap_or_default());
        let (group, plural, kind) = (text("/group"), text("/names/plural"), text("/names/kind"));
        let versions = spec["versions"].as_array().into_iter().flatten();
        let mut served: Vec<&Value> = versions.filter(|version| version["served"] == true).collect();
        served.sort_by_key(|version| version["storage"] != true);
        for version in served {
            self.add(Arc::new(Resource {
                key: format!("{plural}.{group}").into(),
                group: group.clone(),
                version: version["name"].as_str().unwrap_or_default().to_owned(),
                kind: kind.clone(),
                list_kind: text("/names/listKind"),
                plural: plural.clone(),
                singular: text("/names/singular"),
                short_names: list("/names/shortNames").unwrap_or_default(),
                categories: list("/names/categories").unwrap_or_default(),
                namespaced: spec["scope"] == "Namespaced",
                status: version.pointer("/subresources/status").is_some(),
                scale: version.pointer("/subresources/scale").map(custom_scale),
                custom: true,
            }));
        }
    }

    /// No longer serves what a CustomResourceDefinition defined.
    pub fn undefine(&mut self, definition: &Value) {
        let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        self.resources.remove(&(text("/spec/group"), text("/spec/names/plural")));
    }
}

fn custom_scale(scale: &Value) -> Scale {
    let pointer = |field: &str| scale[field].as_str().map(|path| path.replace('.', "/"));
    Scale {
        spec_replicas: pointer("specReplicasPath").unwrap_or_default(),
        status_replicas: pointer("statusReplicasPath").unwrap_or_default(),
        selector: pointer("labelSelectorPath"),
    }
}

fn builtin(group: &str, kind: &str, plural: &str, namespaced: bool, status: bool) -> Resource {
    let scaled = ["Deployment", "ReplicaSet", "StatefulSet", "ReplicationController"].contains(&kind);
    let version = if group == "autoscaling" { "v2" } else { "v1" };
    Resource {
        key: if group.is_empty() { plural.into() } else { format!("{plural}.{group}").into() },
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        list_kind: format!("{kind}List"),
        plural: plural.to_owned(),
        singular: kind.to_lowercase(),
        short_names: Vec::new(),
        categories: Vec::new(),
        namespaced,
        status,
        scale: scaled.then(|| Scale {
            spec_replicas: "/spec/replicas".to_owned(),
            status_replicas: "/status/replicas".to_owned(),
            selector: None,
        }),
        custom: false,
    }
}

/// Group, kind, name in paths, whether in namespaces, whether with a status of its own.
const BUILTIN: &[(&str, &str, &str, bool, bool)] = &[
    ("", "ConfigMap", "configmaps", true, false),
    ("", "Endpoints", "endpoints", true, false),
    ("", "Event", "events", true, false),
    ("", "LimitRange", "limitranges", true, false),
    ("", "Namespace", "namespaces", false, true),
    ("", "Node", "nodes", false, true),
    ("", "PersistentVolumeClaim", "persistentvolumeclaims", true, true),
    ("", "Pod", "pods", true, true),
    ("", "PodTemplate", "podtemplates", true, false),
    ("", "ReplicationController", "replicationcontrollers", true, true),
    ("", "ResourceQuota", "resourcequotas", true, true),
    ("", "Secret", "secrets", true, false),
    ("", "Service", "services", true, true),
    ("", "ServiceAccount", "serviceaccounts", true, false),
    ("apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions", false, true),
    ("apps", "ControllerRevision", "controllerrevisions", true, false),
    ("apps", "DaemonSet", "daemonsets", true, true),
    ("apps", "Deployment", "deployments", true, true),
    ("apps", "ReplicaSet", "replicasets", true, true),
    ("apps", "StatefulSet", "statefulsets", true, true),
    ("autoscaling", "HorizontalPodAutoscaler", "horizontalpodautoscalers", true, true),
    ("batch", "CronJob", "cronjobs", true, true),
    ("batch", "Job", "jobs", true, true),
    ("coordination.k8s.io", "Lease", "leases", true, false),
    ("discovery.k8s.io", "EndpointSlice", "endpointslices", true, false),
    ("networking.k8s.io", "Ingress", "ingresses", true, true),
    ("networking.k8s.io", "IngressClass", "ingressclasses", false, false),
    ("networking.k8s.io", "NetworkPolicy", "networkpolicies", true, false),
    ("policy", "PodDisruptionBudget", "poddisruptionbudgets", true, true),
    ("rbac.authorization.k8s.io", "ClusterRole", "clusterroles", false, false),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", "clusterrolebindings", false, false),
    ("rbac.authorization.k8s.io", "Role", "roles", true, false),
    ("rbac.authorization.k8s.io", "RoleBinding", "rolebindings", true, false),
];

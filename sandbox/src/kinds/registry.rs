//! The built-in kinds, one line each, with what the API server does differently from one kind to the next.

/// What a name must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameRule {
    /// A DNS subdomain: `a.b-c`.
    Subdomain,
    /// A DNS label: no dots.
    Label,
    /// A DNS label that does not start with a digit.
    Label1035,
    /// Anything that can be one segment of a URL's path.
    PathSegment,
}

/// Who writes `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusRule {
    /// The kind has none.
    None,
    /// Only writes through the `status` subresource: on create what came with the object is dropped, on other updates the
    /// stored one stays.
    Subresource,
    /// As `Subresource`, but what came with the object is kept on create.
    SubresourceKeptOnCreate,
}

/// What raises `metadata.generation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// The kind has no generation.
    None,
    /// A change of `spec`, or in kinds without one of anything but metadata. It is 1 after the creation.
    Spec,
    /// A change of `spec` or of annotations.
    SpecAndAnnotations,
}

/// What the API server knows of one kind.
#[derive(Clone, Copy, Debug)]
pub struct KindFacts {
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// What its names look like.
    pub name: NameRule,
    /// Who writes its status.
    pub status: StatusRule,
    /// What raises its generation.
    pub generation: Generation,
    /// Whether an update without `metadata.resourceVersion` is accepted. (A PATCH always has one.)
    pub unconditional_update: bool,
}

impl KindFacts {
    const fn new(group: &'static str, kind: &'static str) -> Self {
        Self {
            group,
            kind,
            namespaced: true,
            name: NameRule::Subdomain,
            status: StatusRule::None,
            generation: Generation::None,
            unconditional_update: true,
        }
    }

    const fn cluster(self) -> Self {
        Self { namespaced: false, ..self }
    }

    const fn named(self, name: NameRule) -> Self {
        Self { name, ..self }
    }

    const fn status(self) -> Self {
        Self { status: StatusRule::Subresource, ..self }
    }

    const fn counted(self, generation: Generation) -> Self {
        Self { generation, ..self }
    }

    const fn conditional(self) -> Self {
        Self { unconditional_update: false, ..self }
    }
}

const CORE: &str = "";
const APPS: &str = "apps";
const RBAC: &str = "rbac.authorization.k8s.io";

/// All built-in kinds that the sandbox serves.
pub static KINDS: &[KindFacts] = &[
    KindFacts::new(CORE, "Pod").status().counted(Generation::Spec),
    KindFacts::new(CORE, "Namespace").cluster().named(NameRule::Label).status(),
    KindFacts::new(CORE, "ConfigMap"),
    KindFacts::new(CORE, "Secret"),
    KindFacts::new(CORE, "ServiceAccount"),
    KindFacts::new(CORE, "Service").named(NameRule::Label1035).status(),
    KindFacts::new(CORE, "Endpoints"),
    KindFacts::new(CORE, "Event"),
    KindFacts::new(CORE, "LimitRange"),
    KindFacts::new(CORE, "ResourceQuota").status(),
    KindFacts { status: StatusRule::SubresourceKeptOnCreate, ..KindFacts::new(CORE, "Node").cluster() },
    KindFacts::new(CORE, "PersistentVolumeClaim").status(),
    KindFacts::new(CORE, "PodTemplate").counted(Generation::Spec),
    KindFacts::new(CORE, "ReplicationController").status().counted(Generation::Spec),
    KindFacts::new(APPS, "ReplicaSet").status().counted(Generation::Spec),
    KindFacts::new(APPS, "Deployment").status().counted(Generation::SpecAndAnnotations),
    KindFacts::new(APPS, "StatefulSet").status().counted(Generation::Spec),
    KindFacts::new(APPS, "DaemonSet").status().counted(Generation::Spec),
    KindFacts::new("batch", "Job").status().counted(Generation::Spec),
    KindFacts::new("batch", "CronJob").status().counted(Generation::Spec),
    KindFacts::new("autoscaling", "HorizontalPodAutoscaler").status(),
    KindFacts::new("policy", "PodDisruptionBudget").status().counted(Generation::Spec).conditional(),
    KindFacts::new("networking.k8s.io", "Ingress").status().counted(Generation::Spec),
    KindFacts::new("networking.k8s.io", "NetworkPolicy").counted(Generation::Spec),
    KindFacts::new("discovery.k8s.io", "EndpointSlice").counted(Generation::Spec),
    KindFacts::new("coordination.k8s.io", "Lease").conditional(),
    KindFacts::new("events.k8s.io", "Event"),
    KindFacts::new(RBAC, "Role").named(NameRule::PathSegment),
    KindFacts::new(RBAC, "RoleBinding").named(NameRule::PathSegment),
    KindFacts::new(RBAC, "ClusterRole").cluster().named(NameRule::PathSegment),
    KindFacts::new(RBAC, "ClusterRoleBinding").cluster().named(NameRule::PathSegment),
    KindFacts::new("apiextensions.k8s.io", "CustomResourceDefinition")
        .cluster()
        .status()
        .counted(Generation::Spec)
        .conditional(),
];

/// What is known of a kind; nothing of custom resources.
pub fn facts(group: &str, kind: &str) -> Option<&'static KindFacts> {
    KINDS.iter().find(|facts| facts.group == group && facts.kind == kind)
}

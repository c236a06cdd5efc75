//! Tables: what the API server answers when `kubectl get` asks for columns instead of objects.
//!
//! The columns of the built-in kinds are data, recorded from a real API server; their cells are functions, one module per
//! family of kinds. Columns of custom resources come from their CRD.

mod autoscaling;
mod cells;
mod cluster;
mod custom;
mod duration;
mod events;
mod jobs;
mod jsonpath;
mod network;
mod pods;
mod storage;
mod workloads;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

pub use duration::human_duration;

/// The columns of the built-in kinds by `group/kind`; `custom` are those of a custom resource whose CRD names none.
static COLUMNS: std::sync::LazyLock<Value> =
    std::sync::LazyLock::new(|| serde_json::from_str(include_str!("columns.json")).expect("columns.json is JSON"));

/// What a row carries of its object, as `includeObject` in the request says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IncludeObject {
    /// Nothing.
    None,
    /// Its metadata, unless the request says otherwise.
    #[default]
    Metadata,
    /// All of it.
    Object,
}

/// The columns of a table, and how its cells are made.
#[derive(Clone, Debug)]
pub struct Columns {
    definitions: Value,
    cells: Cells,
}

/// The cells of an object of a built-in kind, as of a time.
type BuiltinCells = fn(&Value, Timestamp) -> Vec<Value>;

#[derive(Clone, Debug)]
enum Cells {
    Builtin(BuiltinCells),
    Custom(Vec<custom::Column>),
}

impl Columns {
    /// The columns of a built-in kind; of one that has no columns of its own, name and creation.
    pub fn builtin(group: &str, kind: &str) -> Columns {
        let cells: BuiltinCells = match (group, kind) {
            ("", "Pod") => pods::pod,
            ("", "PodTemplate") => workloads::pod_template,
            ("", "ReplicationController") => workloads::replication_controller,
            ("apps", "ReplicaSet") => workloads::replica_set,
            ("apps", "Deployment") => workloads::deployment,
            ("apps", "StatefulSet") => workloads::stateful_set,
            ("apps", "DaemonSet") => workloads::daemon_set,
            ("batch", "Job") => jobs::job,
            ("batch", "CronJob") => jobs::cron_job,
            ("", "Service") => network::service,
            ("", "Endpoints") => network::endpoints,
            ("discovery.k8s.io", "EndpointSlice") => network::endpoint_slice,
            ("networking.k8s.io", "Ingress") => network::ingress,
            ("networking.k8s.io", "NetworkPolicy") => network::network_policy,
            ("" | "events.k8s.io", "Event") => events::event,
            ("", "Namespace") => cluster::namespace,
            ("", "Node") => cluster::node,
            ("", "ResourceQuota") => cluster::quota,
            ("policy", "PodDisruptionBudget") => cluster::disruption_budget,
            ("coordination.k8s.io", "Lease") => cluster::lease,
            ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => cluster::binding,
            ("", "ConfigMap") => storage::config_map,
            ("", "Secret") => storage::secret,
            ("", "ServiceAccount") => storage::service_account,
            ("", "PersistentVolumeClaim") => storage::claim,
            ("autoscaling", "HorizontalPodAutoscaler") => autoscaling::autoscaler,
            _ => cells::created_at,
        };
        let definitions = COLUMNS.get(format!("{group}/{kind}"));
        let fallback = || &COLUMNS["apiextensions.k8s.io/CustomResourceDefinition"];
        Columns { definitions: definitions.unwrap_or_else(fallback).clone(), cells: Cells::Builtin(cells) }
    }

    /// The columns of a custom resource, from `additionalPrinterColumns` of a version of its CRD.
    pub fn of_crd_version(additional_printer_columns: &Value) -> Columns {
        let custom = &COLUMNS["custom"];
        let columns: Vec<custom::Column> = additional_printer_columns
            .as_array()
            .map(|columns| columns.iter().filter_map(custom::Column::new).collect())
            .unwrap_or_default();
        if columns.is_empty() {
            let age = json!({ "name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp" });
            return Columns {
                definitions: custom.clone(),
                cells: Cells::Custom(custom::Column::new(&age).into_iter().collect()),
            };
        }
        let definitions =
            std::iter::once(custom[0].clone()).chain(columns.iter().map(custom::Column::definition)).collect();
        Columns { definitions, cells: Cells::Custom(columns) }
    }

    fn cells(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        match &self.cells {
            Cells::Builtin(cells) => cells(object, now),
            Cells::Custom(columns) => std::iter::once(cells::name(object))
                .chain(columns.iter().map(|column| column.cell(object, now)))
                .collect(),
        }
    }
}

/// The table of some objects. `list_metadata` is the metadata of their list, or what a single object shares with one.
pub fn table(
    columns: &Columns,
    objects: &[&Value],
    list_metadata: Value,
    now: Timestamp,
    include: IncludeObject,
) -> Value {
    let rows: Vec<Value> = objects.iter().map(|object| row(columns, object, now, include)).collect();
    let fields = [
        ("kind", json!("Table")),
        ("apiVersion", json!("meta.k8s.io/v1")),
        ("metadata", list_metadata),
        ("columnDefinitions", columns.definitions.clone()),
        ("rows", rows.into()),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>().into()
}

fn row(columns: &Columns, object: &Value, now: Timestamp, include: IncludeObject) -> Value {
    let mut row = Map::new();
    row.insert("cells".to_owned(), columns.cells(object, now).into());
    if let Some(conditions) = pods::row_conditions(object) {
        row.insert("conditions".to_owned(), conditions);
    }
    let included = match include {
        IncludeObject::None => Value::Null,
        IncludeObject::Metadata => json!({
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": object["metadata"],
        }),
        IncludeObject::Object => (*object).clone(),
    };
    row.insert("object".to_owned(), included);
    row.into()
}

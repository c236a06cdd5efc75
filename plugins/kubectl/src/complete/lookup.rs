//! Names for completion, from the cluster or the kubeconfig.

use std::path::PathBuf;

use clap::{Args as _, Command, FromArgMatches as _};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DynamicObject, ListParams};
use kube::config::Kubeconfig;
use kube::core::ApiResource;
use kube::{Client, Resource, ResourceExt as _};
use serde_json::Value;
use sluice::steer::Rollouts;
use sluice_core::act::template::Home;
use sluice_core::api::{AnalysisRun, AnalysisTemplate, Application, ClusterAnalysisTemplate, Experiment, Rollout};
use sluice_core::info::replica_set::images;
use sluice_core::info::text::printable;

use super::line::{Line, Names};
use crate::connection::{Connected, Connection, connect};

/// No shell shows more.
const MOST: u32 = 500;

/// The names, each with what it means; `None` where they cannot be found out.
pub async fn find(names: Names, line: &Line) -> Option<Vec<(String, String)>> {
    let connection = connection(line)?;
    match names {
        Names::Contexts | Names::Clusters | Names::Users => return of_file(names, connection.kubeconfig),
        _ => {}
    }
    let Connected { client, namespace, .. } = connect(&connection).await.ok()?;
    let rollouts = Rollouts { client: client.clone(), namespace: namespace.clone(), manager: "kubectl-sluice" };
    match names {
        Names::Rollouts => list::<Rollout>(client, Some(&namespace)).await,
        Names::Experiments => list::<Experiment>(client, Some(&namespace)).await,
        Names::AnalysisRuns => list::<AnalysisRun>(client, Some(&namespace)).await,
        Names::Templates => list::<AnalysisTemplate>(client, Some(&namespace)).await,
        Names::ClusterTemplates => list::<ClusterAnalysisTemplate>(client, None).await,
        Names::Applications => {
            let said = line.flags.get("app-namespace");
            list::<Application>(client, Some(said.unwrap_or(&namespace))).await
        }
        Names::Namespaces => list::<Namespace>(client, None).await,
        Names::Containers => {
            let rollout = rollouts.rollout(line.positionals.first()?).await.ok()?;
            containers(&rollout, client, &namespace).await
        }
        Names::Revisions => {
            let rollout = rollouts.rollout(line.positionals.first()?).await.ok()?;
            let mut owned = rollouts.owned(&rollout).await.ok()?;
            owned.sort_by_key(|rs| std::cmp::Reverse(rs.revision()));
            Some(
                owned
                    .iter()
                    .map(|rs| (rs.revision().to_string(), printable(&images(&rs.spec.template).join(","))))
                    .collect(),
            )
        }
        Names::Contexts | Names::Clusters | Names::Users => None,
    }
}

/// The connection that the flags on the line ask for.
fn connection(line: &Line) -> Option<Connection> {
    let command = Connection::augment_args(Command::new("connection"));
    let known = |name: &str| command.get_arguments().any(|arg| arg.get_long() == Some(name));
    let given = line.flags.iter().filter(|(name, _)| known(name)).map(|(name, value)| format!("--{name}={value}"));
    let words: Vec<String> = std::iter::once("connection".to_owned()).chain(given).collect();
    let matches = command.clone().try_get_matches_from(words).ok()?;
    let connection = Connection::from_arg_matches(&matches).ok()?;
    Some(Connection { asks_nobody: true, ..connection })
}

fn of_file(names: Names, file: Option<PathBuf>) -> Option<Vec<(String, String)>> {
    let file = match file {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let file = file.ok()?;
    let found: Vec<String> = match names {
        Names::Contexts => file.contexts.into_iter().map(|it| it.name).collect(),
        Names::Clusters => file.clusters.into_iter().map(|it| it.name).collect(),
        _ => file.auth_infos.into_iter().map(|it| it.name).collect(),
    };
    Some(found.into_iter().map(|name| (name, String::new())).collect())
}

/// Names of objects; what they say beside is not read.
async fn list<K>(client: Client, namespace: Option<&str>) -> Option<Vec<(String, String)>>
where
    K: Resource,
    K::DynamicType: Default,
{
    let resource = ApiResource::erase::<K>(&K::DynamicType::default());
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, &resource),
        None => Api::all_with(client, &resource),
    };
    let listed = api.list_metadata(&ListParams::default().limit(MOST)).await.ok()?;
    Some(listed.items.iter().map(|object| (object.name_any(), String::new())).collect())
}

/// Containers of a rollout's template, with the sign that their image follows.
async fn containers(rollout: &Rollout, client: Client, namespace: &str) -> Option<Vec<(String, String)>> {
    let home = Home::of(rollout);
    let template = match &home {
        Home::Rollout => rollout.spec.template.clone()?,
        Home::Workload { kind, name } => {
            let api: Api<DynamicObject> = Api::namespaced_with(client, namespace, &ApiResource::from_gvk(kind));
            api.get(name).await.ok()?.data.pointer(home.path())?.clone()
        }
    };
    let of = |list: &str| template.pointer(list).and_then(Value::as_array).cloned().unwrap_or_default();
    let all = of("/spec/containers").into_iter().chain(of("/spec/initContainers"));
    let named = all.filter_map(|it| {
        let image = it["image"].as_str().map(printable).unwrap_or_default();
        Some((format!("{}=", it["name"].as_str()?), image))
    });
    Some(named.collect())
}

//! `app manifests`. Where they come from is a flag: what Git says is another matter than what the cluster has.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use futures::StreamExt as _;
use futures::stream;
use kube::Error;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use kube::discovery::{self, Scope};
use serde_json::{Value, json};
use sluice_core::api::{Application, ResourceStatus};
use sluice_core::info::application::live;

use super::look::{Look, warn};
use super::target::{Name, One};
use crate::client::Session;
use crate::output::{Output, yaml};
use crate::problem::Problem;
use crate::term;

/// So many objects are read at a time.
const AT_ONCE: usize = 8;

/// Arguments of `app manifests`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The Application
    #[arg(value_name = "NAME")]
    name: Name,
    /// Where they come from
    #[arg(long, value_enum, value_name = "SOURCE", default_value_t = Source::Git)]
    source: Source,
    #[command(flatten)]
    look: Look,
    /// How to print them
    #[arg(long, short, value_name = "FORMAT", value_parser = Output::among(&[Output::Yaml, Output::Json]), default_value = "yaml")]
    output: Output,
}

/// Where manifests come from.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum Source {
    /// What Git says now, as a sync would apply it
    Git,
    /// What the cluster has
    Live,
}

/// Prints the manifests.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let one = One::of(&args.name, session);
    if matches!(args.source, Source::Live) && args.look.is_said() {
        return Err(Problem::new("--revision, --revisions and --local are for what Git says: leave --source live out"));
    }
    let found = one.read().await?;
    let objects = match args.source {
        Source::Git => {
            let preview = Box::pin(args.look.open(&one, found.application)).await?;
            let rendered = preview.manifests().await;
            warn(&preview);
            rendered.map_err(|why| args.look.folder.failed("render", &one, &why))?
        }
        Source::Live => of_cluster(&one, &found.application).await?,
    };
    let objects: Vec<Value> = objects.into_iter().map(live::shown).collect();
    if args.output == Output::Json {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        return Ok(term::line(&format!("{list:#}"))?);
    }
    for object in &objects {
        term::print(&format!("---\n{}", yaml(object)?))?;
    }
    Ok(())
}

/// The objects of an Application that the cluster has, without those of hooks.
async fn of_cluster(one: &One<'_>, application: &Application) -> Result<Vec<Value>, Problem> {
    let parts: Vec<&ResourceStatus> = application.status().resources.iter().filter(|it| !it.hook).collect();
    let mut kinds: BTreeMap<(&str, &str, &str), (ApiResource, Scope)> = BTreeMap::new();
    for part in &parts {
        let Entry::Vacant(unknown) = kinds.entry(kind(part)) else { continue };
        let (group, version, kind) = *unknown.key();
        let found = discovery::pinned_kind(&one.client(), &GroupVersionKind::gvk(group, version, kind)).await;
        let found = found.map_err(|error| Problem::of_call(&error, &format!("find out about {kind}")));
        let (resource, capabilities) = found?;
        unknown.insert((resource, capabilities.scope));
    }
    let reads = parts.iter().map(|part| {
        let known = kinds.get(&kind(part));
        async move {
            match known {
                Some((resource, scope)) => read(one, part, resource, scope).await,
                None => Ok(None),
            }
        }
    });
    let found: Vec<Result<Option<Value>, Problem>> = stream::iter(reads).buffered(AT_ONCE).collect().await;
    found.into_iter().filter_map(Result::transpose).collect()
}

fn kind(part: &ResourceStatus) -> (&str, &str, &str) {
    (&part.group, &part.version, &part.kind)
}

/// An object, if it is there.
async fn read(
    one: &One<'_>,
    part: &ResourceStatus,
    resource: &ApiResource,
    scope: &Scope,
) -> Result<Option<Value>, Problem> {
    let api: Api<DynamicObject> = match scope {
        Scope::Cluster => Api::all_with(one.client(), resource),
        Scope::Namespaced => Api::namespaced_with(one.client(), &part.namespace, resource),
    };
    match api.get_opt(&part.name).await {
        Ok(found) => Ok(found.map(|object| json!(object))),
        Err(error) => Err(of_read(&error, part)),
    }
}

fn of_read(error: &Error, part: &ResourceStatus) -> Problem {
    Problem::of_call(error, &format!("read {} {}", part.kind, part.name))
}

//! `create`: objects of files, or an analysis run from a template.

pub mod analysis_run;

use std::path::PathBuf;

use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, GroupVersionKind};
use sluice_core::validate::is_known;

use super::get;
use crate::client::{Session, creating};
use crate::lint::check::check;
use crate::lint::{read, report};
use crate::output::of;
use crate::problem::Problem;
use crate::term;

/// Arguments of `create`.
#[derive(clap::Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    /// What else can be created
    #[command(subcommand)]
    what: Option<What>,
    /// A file, a folder with manifests, or - for the standard input; may be repeated
    #[arg(long, short = 'f', value_name = "FILE", required = true)]
    filename: Vec<PathBuf>,
    /// Then show the rollout, or the experiment, and keep the page up to date
    #[arg(long, short)]
    watch: bool,
    /// No colours
    #[arg(long)]
    no_color: bool,
}

/// What can be created without a file.
#[derive(clap::Subcommand, Debug)]
pub enum What {
    /// Create an analysis run from a template
    #[command(name = "analysisrun", visible_alias = "ar", alias = "analysisruns")]
    AnalysisRun(analysis_run::Args),
}

/// Creates it.
pub async fn run(args: Args, session: &Session, is_namespace_said: bool) -> Result<(), Problem> {
    if let Some(What::AnalysisRun(args)) = args.what {
        return analysis_run::run(args, session).await;
    }
    let objects = objects(&args.filename)?;
    // All of them are looked at before the first is created.
    let mut wanted = Vec::new();
    for object in objects {
        wanted.push((api(&object, session, is_namespace_said)?, object));
    }
    let mut last = None;
    for (api, object) in wanted {
        let kind = kind(&object).kind.to_lowercase();
        let named = object.metadata.name.clone().or_else(|| object.metadata.generate_name.clone()).unwrap_or_default();
        let created = api.create(&creating(), &object).await;
        let created = created.map_err(|error| Problem::of_call(&error, &format!("create {kind} '{named}'")))?;
        let name = created.metadata.name.unwrap_or_default();
        term::line(&format!("{kind}.argoproj.io/{name} created"))?;
        if ["rollout", "experiment"].contains(&kind.as_str()) {
            last = Some((kind, name, created.metadata.namespace));
        }
    }
    if !args.watch {
        return Ok(());
    }
    let Some((kind, name, namespace)) = last else {
        return Err(Problem::new("there is nothing to watch: the files hold neither a rollout nor an experiment"));
    };
    let session = session.within(namespace);
    if kind == "rollout" {
        return get::rollout::run(get::rollout::Args::watching(name, args.no_color), &session).await;
    }
    get::experiment::run(get::experiment::Args::watching(name, args.no_color), &session).await
}

/// The objects of the files, which have to make sense: what the API server would drop silently is refused here.
fn objects(files: &[PathBuf]) -> Result<Vec<DynamicObject>, Problem> {
    let sources = read::sources(files).map_err(|error| Problem::new(error.to_string()))?;
    let outcome = check(&sources, false);
    let (errors, _) = report::counts(&outcome);
    if errors > 0 {
        let text = report::text(&outcome);
        return Err(Problem::new(format!("nothing was created, because of what is wrong:\n{}", text.trim_end())));
    }
    let mut objects = Vec::new();
    for document in sources.iter().flat_map(|source| crate::lint::document::read(source).0) {
        if !is_known(&document.object) {
            let kind = document.object["kind"].as_str().unwrap_or_default();
            let what = format!("{}: cannot create a {kind:?}", document.place.file);
            return Err(Problem::new(what).advise(
                "Rollouts, Experiments, AnalysisTemplates, ClusterAnalysisTemplates and AnalysisRuns can be; \
                 others with: kubectl create",
            ));
        }
        let object = serde_json::from_value(of(&document.object));
        objects.push(object.map_err(|error| Problem::new(format!("{}: {error}", document.place.file)))?);
    }
    if objects.is_empty() {
        return Err(Problem::new("the files hold no object"));
    }
    Ok(objects)
}

fn kind(object: &DynamicObject) -> GroupVersionKind {
    let types = object.types.clone().unwrap_or_default();
    let (group, version) = types.api_version.split_once('/').unwrap_or(("", &types.api_version));
    GroupVersionKind::gvk(group, version, &types.kind)
}

/// Where the object goes: into the namespace that it names, unless the command line names another.
fn api(object: &DynamicObject, session: &Session, is_namespace_said: bool) -> Result<Api<DynamicObject>, Problem> {
    let kind = kind(object);
    let resource = ApiResource::from_gvk(&kind);
    if kind.kind == "ClusterAnalysisTemplate" {
        return Ok(Api::all_with(session.client.clone(), &resource));
    }
    let namespace = object.metadata.namespace.as_deref().filter(|namespace| !namespace.is_empty());
    if let Some(named) = namespace.filter(|named| is_namespace_said && *named != session.namespace) {
        let name = object.metadata.name.as_deref().unwrap_or_default();
        let what =
            format!("the manifest of '{name}' says namespace {named}, and the command line {}", session.namespace);
        return Err(Problem::new(what).advise("Leave one of them out."));
    }
    Ok(Api::namespaced_with(session.client.clone(), namespace.unwrap_or(&session.namespace), &resource))
}

//! `app create`.

use std::path::PathBuf;

use kube::Error;
use kube::api::Patch;
use serde_json::{Value, json};

use super::target::{Name, One};
use crate::act::app::create::application;
use crate::act::app::flags::{Policy, Said};
use crate::act::app::upsert::change;
use crate::application::Stored;
use crate::client::{Session, creating};
use crate::file;
use crate::output::Output;
use crate::problem::Problem;
use crate::term;

/// Arguments of `app create`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Its name
    #[arg(value_name = "NAME", required_unless_present = "file")]
    name: Option<Name>,
    /// A file with Applications, over which the flags go; - is the standard input
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The repository
    #[arg(long, value_name = "URL")]
    repo: Option<String>,
    /// The folder in it
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// A branch, tag, commit or version
    #[arg(long, value_name = "REVISION")]
    revision: Option<String>,
    /// The chart, in a repository of charts
    #[arg(long, value_name = "CHART")]
    helm_chart: Option<String>,
    /// The API server of the cluster
    #[arg(long, value_name = "URL")]
    dest_server: Option<String>,
    /// The name of the cluster, instead
    #[arg(long, value_name = "NAME")]
    dest_name: Option<String>,
    /// The namespace of objects that name none
    #[arg(long, value_name = "NAME")]
    dest_namespace: Option<String>,
    /// The project; `default` where none is given
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Whether it syncs by itself
    #[arg(long, value_enum, value_name = "POLICY")]
    sync_policy: Option<Policy>,
    /// Let objects go that Git does not have any more
    #[arg(long)]
    auto_prune: bool,
    /// Take changes back that were made in the cluster
    #[arg(long)]
    self_heal: bool,
    /// Let everything go at once
    #[arg(long)]
    allow_empty: bool,
    /// A sync option, such as CreateNamespace=true; may be repeated
    #[arg(long, value_name = "OPTION")]
    sync_option: Vec<String>,
    /// A file with values for Helm; may be repeated
    #[arg(long, value_name = "FILE")]
    values: Vec<String>,
    /// A value for Helm, as NAME=VALUE; may be repeated
    #[arg(long, short, alias = "helm-set", value_name = "NAME=VALUE", value_parser = pair)]
    parameter: Vec<(String, String)>,
    /// The release's name for Helm
    #[arg(long, value_name = "NAME")]
    release_name: Option<String>,
    /// Read folders in the folder, too
    #[arg(long)]
    directory_recurse: bool,
    /// An image for Kustomize, such as web=registry.example.com/web:2; may be repeated
    #[arg(long, value_name = "IMAGE")]
    kustomize_image: Vec<String>,
    /// Let its objects go with it
    #[arg(long)]
    set_finalizer: bool,
    /// A label, as NAME=VALUE; may be repeated
    #[arg(long, short, value_name = "NAME=VALUE", value_parser = pair)]
    label: Vec<(String, String)>,
    /// An annotation, as NAME=VALUE; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    annotations: Vec<(String, String)>,
    /// Change one that there is and that is another
    #[arg(long)]
    upsert: bool,
    /// Write nothing
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "client", default_value_t = DryRun::None, value_name = "WHERE")]
    dry_run: DryRun,
    /// How to print it
    #[arg(long, short, value_name = "FORMAT", value_parser = Output::among(&[Output::Yaml, Output::Json, Output::Name]))]
    output: Option<Output>,
}

/// Whether something is written.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum DryRun {
    /// It is
    None,
    /// Nothing is
    Client,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

impl Args {
    fn said(&self) -> Said {
        let args = self;
        Said {
            repo: args.repo.clone(),
            path: args.path.clone(),
            revision: args.revision.clone(),
            chart: args.helm_chart.clone(),
            values: args.values.clone(),
            parameters: args.parameter.clone(),
            release_name: args.release_name.clone(),
            recurse: args.directory_recurse,
            images: args.kustomize_image.clone(),
            server: args.dest_server.clone(),
            cluster: args.dest_name.clone(),
            namespace: args.dest_namespace.clone(),
            project: args.project.clone(),
            policy: args.sync_policy,
            automated: [("prune", args.auto_prune), ("selfHeal", args.self_heal), ("allowEmpty", args.allow_empty)],
            options: args.sync_option.clone(),
            labels: args.label.clone(),
            annotations: args.annotations.clone(),
            takes_along: args.set_finalizer,
        }
    }
}

/// Creates the Applications.
pub async fn run(args: Args, session: &Session, is_namespace_said: bool) -> Result<(), Problem> {
    let files = match &args.file {
        Some(path) => in_file(path)?.into_iter().map(Some).collect(),
        None => vec![None],
    };
    if files.len() != 1 && args.name.is_some() {
        return Err(Problem::new(format!("a name is for one Application, and the file holds {}", files.len())));
    }
    let (name, said) = (args.name.as_ref().map(Name::name), args.said());
    let mut all = Vec::new();
    for file in files {
        let made = application(name, file, &said);
        let made = made.map_err(|why| Problem::new(format!("cannot create an application: {why}")))?;
        all.push(placed(made, &args, session, is_namespace_said)?);
    }
    let has_several = all.len() > 1;
    // All of them make sense before the first is written.
    for wanted in all {
        let wanted = one(wanted, &args, session).await?;
        let name = format!("{}/{}", text(&wanted, "/metadata/namespace"), text(&wanted, "/metadata/name"));
        match args.output {
            Some(Output::Name) => term::line(&name)?,
            Some(output) => {
                // Several documents of a file become several again.
                let separator = if has_several && output == Output::Yaml { "---\n" } else { "" };
                let printed = output.structured(&wanted).transpose()?.unwrap_or_default();
                term::print(&format!("{separator}{printed}"))?;
            }
            None => {}
        }
    }
    Ok(())
}

/// The Applications that a file holds.
fn in_file(path: &std::path::Path) -> Result<Vec<Value>, Problem> {
    let objects = file::objects(path)?;
    if objects.is_empty() { Err(file::wrong(path, "holds no Application")) } else { Ok(objects) }
}

fn text(object: &Value, at: &str) -> String {
    object.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The Application with its namespace: the one that is said, or else the usual one.
fn placed(mut wanted: Value, args: &Args, session: &Session, is_said: bool) -> Result<Value, Problem> {
    let own = text(&wanted, "/metadata/namespace");
    let with_name = args.name.as_ref().and_then(Name::namespace);
    let said = with_name.or_else(|| is_said.then_some(session.namespace.as_str()));
    match said {
        Some(said) if !own.is_empty() && said != own => {
            let what = "the namespace from the provided object";
            return Err(Problem::new(format!("{what} {own:?} does not match the namespace {said:?}")));
        }
        Some(said) => wanted["metadata"]["namespace"] = json!(said),
        None if own.is_empty() => wanted["metadata"]["namespace"] = json!(session.namespace),
        None => {}
    }
    Ok(wanted)
}

/// Creates or changes one; gives it as it is then.
async fn one(wanted: Value, args: &Args, session: &Session) -> Result<Value, Problem> {
    let one = One::new(&text(&wanted, "/metadata/namespace"), text(&wanted, "/metadata/name"), session);
    let tell = |what: &str| match args.output {
        None => term::line(&format!("{} {what}", one.title())),
        Some(_) => Ok(()),
    };
    if args.dry_run == DryRun::Client {
        tell("created (dry run)")?;
        return Ok(wanted);
    }
    let attempted = format!("create {}", one.title());
    let object: Stored =
        serde_json::from_value(wanted.clone()).map_err(|error| Problem::new(format!("cannot {attempted}: {error}")))?;
    match one.api().create(&creating(), &object).await {
        Ok(created) => {
            tell("created")?;
            return Ok(created.shown());
        }
        Err(Error::Api(status)) if status.is_already_exists() => {}
        Err(error) => return Err(one.explain(&error, &attempted)),
    }
    let existing = one.read().await?.stored;
    let Some(change) = change(&existing.value(), &wanted) else {
        tell("unchanged")?;
        return Ok(existing.shown());
    };
    if !args.upsert {
        let what =
            format!("cannot {attempted}: existing application spec is different; use upsert flag to force update");
        return Err(Problem::new(what).advise("Change it with --upsert."));
    }
    let changed = one.patch(&Patch::Merge(change)).await;
    let changed = changed.map_err(|error| one.explain(&error, &format!("update {}", one.title())))?;
    tell("updated")?;
    Ok(changed.shown())
}

//! `create analysisrun`: measures by hand what a template says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kube::Error;
use kube::api::Api;
use sluice_core::analysis::templates::{MOST_TEMPLATES, TemplateKey, Templates, kind_of};
use sluice_core::api::{
    AnalysisRun, AnalysisTemplate, AnalysisTemplateRef, AnalysisTemplateSpec, ClusterAnalysisTemplate,
};
use sluice_core::sight::Sight;

use crate::act::analyse::{self, Called};
use crate::client::{Session, creating};
use crate::file;
use crate::problem::Problem;
use crate::term;

/// Arguments of `create analysisrun`.
#[derive(clap::Args, Debug)]
#[command(group = clap::ArgGroup::new("template").required(true).args(["from", "from_file"]))]
pub struct Args {
    /// Its name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The beginning of its name, where none is given; that of the template by default
    #[arg(long, value_name = "PREFIX")]
    generate_name: Option<String>,
    /// The instance of the controller that is to measure
    #[arg(long, value_name = "ID")]
    instance_id: Option<String>,
    /// A value for an argument of the template
    #[arg(long = "argument", short = 'a', value_name = "NAME=VALUE", value_parser = argument)]
    arguments: Vec<(String, String)>,
    /// The template, in the cluster
    #[arg(long, value_name = "TEMPLATE")]
    from: Option<String>,
    /// A file with the template
    #[arg(long, value_name = "FILE")]
    from_file: Option<PathBuf>,
    /// With --from: the template is a `ClusterAnalysisTemplate`
    #[arg(long)]
    global: bool,
}

fn argument(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = parts.ok_or_else(|| format!("arguments must be in the form NAME=VALUE, not {text:?}"))?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Creates the run.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let mut known = BTreeMap::new();
    let key = match (&args.from, &args.from_file) {
        (Some(name), _) => (args.global, name.clone()),
        (None, Some(path)) => {
            let (key, spec) = in_file(path)?;
            known.insert(key.clone(), Sight::Found(Box::new(spec)));
            key
        }
        (None, None) => return Err(Problem::new("give a template with --from or --from-file")),
    };
    let templates = gather(key.clone(), known, session).await?;
    let template = AnalysisTemplateRef { cluster_scope: key.0, template_name: key.1 };
    let called = Called { name: args.name, prefix: args.generate_name, instance_id: args.instance_id };
    let run = analyse::run(&template, &templates, &args.arguments, called).map_err(Problem::new)?;
    let created = session.api::<AnalysisRun>().create(&creating(), &run).await;
    let created = created.map_err(|error| Problem::of_call(&error, "create an analysis run"))?;
    let name = created.metadata.name.unwrap_or_default();
    term::line(&format!("analysisrun.argoproj.io/{name} created"))?;
    Ok(())
}

/// The one template that a file holds.
fn in_file(path: &Path) -> Result<(TemplateKey, AnalysisTemplateSpec), Problem> {
    let wrong = |why: &str| file::wrong(path, why);
    let mut objects = file::objects(path)?;
    let is_template = |kind: &str| [kind_of(false), kind_of(true)].contains(&kind);
    objects.retain(|object| object["kind"].as_str().is_some_and(is_template));
    let [object] = objects.as_slice() else {
        return Err(wrong(&format!("holds {} analysis templates; one is needed", objects.len())));
    };
    let spec = serde_json::from_value(object["spec"].clone());
    let spec = spec.map_err(|error| wrong(&format!("the template cannot be read: {error}")))?;
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    Ok(((object["kind"] == kind_of(true), name), spec))
}

/// A template and those that it names, as far as they are in the cluster.
async fn gather(
    first: TemplateKey,
    mut known: BTreeMap<TemplateKey, Sight<Box<AnalysisTemplateSpec>>>,
    session: &Session,
) -> Result<Templates, Problem> {
    let mut wanted = vec![first];
    let mut seen = Vec::new();
    while let Some(key) = wanted.pop() {
        if seen.contains(&key) || seen.len() > MOST_TEMPLATES {
            continue;
        }
        if !known.contains_key(&key) {
            let sight = find(&key, session).await?;
            known.insert(key.clone(), sight);
        }
        if let Some(Sight::Found(spec)) = known.get(&key) {
            let inner = spec.templates.iter();
            wanted.extend(inner.map(|inner| (inner.cluster_scope, inner.template_name.clone())));
        }
        seen.push(key);
    }
    Ok(Templates(known))
}

async fn find(key: &TemplateKey, session: &Session) -> Result<Sight<Box<AnalysisTemplateSpec>>, Problem> {
    let (cluster_scope, name) = key;
    let read = if *cluster_scope {
        let api: Api<ClusterAnalysisTemplate> = Api::all(session.client.clone());
        api.get(name).await.map(|template| template.spec.0)
    } else {
        session.api::<AnalysisTemplate>().get(name).await.map(|template| template.spec)
    };
    match read {
        Ok(spec) => Ok(Sight::Found(Box::new(spec))),
        Err(Error::Api(status)) if status.code == 404 => Ok(Sight::Missing),
        Err(error) => Err(Problem::of_call(&error, &format!("read {} '{name}'", kind_of(*cluster_scope)))),
    }
}

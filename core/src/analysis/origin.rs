//! The analysis runs that a rollout asks for: what they are for, and what they look like.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference};
use serde_json::Value;

use super::templates::{Flat, Templates, Unfit, has_value};
use crate::api::{
    AnalysisRun, AnalysisRunArgument, AnalysisRunSpec, AnalysisTemplateRef, Argument, DryRun, MeasurementRetention,
    Rollout, RolloutAnalysis, RolloutAnalysisBackground, labels,
};
use crate::field_path;

/// What an analysis of a rollout is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It runs beside the steps.
    Background,
    /// A step waits for it; which one, from 0.
    Step(usize),
    /// The switch of the active Service waits for it.
    PrePromotion,
    /// That the old version goes waits for it.
    PostPromotion,
}

impl Origin {
    /// The value of the label `rollout-type`.
    pub fn label(self) -> &'static str {
        match self {
            Origin::Background => "Background",
            Origin::Step(_) => "Step",
            Origin::PrePromotion => "PrePromotion",
            Origin::PostPromotion => "PostPromotion",
        }
    }

    /// How a message begins that says what came of it. (The texts are those of Argo Rollouts.)
    pub fn told(self) -> &'static str {
        match self {
            Origin::Background => "Background analysis",
            Origin::Step(_) => "Step-based analysis",
            Origin::PrePromotion => "Blue/green pre-promotion analysis",
            Origin::PostPromotion => "Blue/green post-promotion analysis",
        }
    }

    /// The end of a run's name.
    fn suffix(self) -> String {
        match self {
            Origin::Background => String::new(),
            Origin::Step(index) => format!("-{index}"),
            Origin::PrePromotion => "-pre".to_owned(),
            Origin::PostPromotion => "-post".to_owned(),
        }
    }

    /// The name of the first run for a revision; those after it get a number besides.
    pub fn name(self, rollout: &str, hash: &str, revision: i64) -> String {
        format!("{rollout}-{hash}-{revision}{}", self.suffix())
    }
}

/// A name that is not taken: the wanted one, or the first with a number after it.
pub fn free_name(wanted: &str, separator: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let numbered = (1..).map(|number| format!("{wanted}{separator}{number}"));
    let names = std::iter::once(wanted.to_owned()).chain(numbered);
    names.into_iter().find(|name| !is_taken(name)).unwrap_or_default()
}

/// What a manifest asks for at one point.
#[derive(Clone, Debug, PartialEq)]
pub struct Request<'a> {
    /// The block, but for where background analysis starts.
    pub block: Cow<'a, RolloutAnalysis>,
    /// What it is for.
    pub origin: Origin,
}

impl<'a> Request<'a> {
    /// A block that something waits for.
    pub fn gate(block: &'a RolloutAnalysis, origin: Origin) -> Request<'a> {
        Request { block: Cow::Borrowed(block), origin }
    }

    /// The block of a background analysis.
    pub fn background(block: &RolloutAnalysisBackground) -> Request<'static> {
        let RolloutAnalysisBackground { templates, args, dry_run, measurement_retention, .. } = block.clone();
        let analysis_run_metadata = block.analysis_run_metadata.clone();
        let block = RolloutAnalysis { templates, args, dry_run, measurement_retention, analysis_run_metadata };
        Request { block: Cow::Owned(block), origin: Origin::Background }
    }
}

/// What a run is made of besides its request.
#[derive(Clone, Debug)]
pub struct Parent<'a> {
    /// The Rollout.
    pub rollout: &'a Rollout,
    /// Which pods are its.
    pub selector: Option<&'a LabelSelector>,
    /// How the run belongs to it.
    pub owner: OwnerReference,
    /// Hash of the revision that is asked for.
    pub hash: &'a str,
    /// Hash of the stable revision.
    pub stable: &'a str,
    /// Number of the revision that is asked for.
    pub revision: i64,
}

/// The run that a request asks for.
pub fn run(
    name: &str,
    request: &Request<'_>,
    parent: &Parent<'_>,
    templates: &Templates,
) -> Result<AnalysisRun, Unfit> {
    let block = request.block.as_ref();
    let flat = templates.flatten(&block.templates)?;
    let given = block.args.iter().map(|arg| value_of(arg, parent)).collect::<Result<Vec<_>, _>>()?;
    let spec = run_spec(flat, &given, &block.dry_run, &block.measurement_retention)?;
    let mut run = AnalysisRun::new(name, spec);
    run.metadata = metadata(name, request, parent);
    Ok(run)
}

/// What a run of these templates is to do: `given` arguments win over the templates' own.
pub fn run_spec(
    flat: Flat,
    given: &[Argument],
    dry_run: &[DryRun],
    retention: &[MeasurementRetention],
) -> Result<AnalysisRunSpec, Unfit> {
    let mut args = flat.args;
    for arg in &mut args {
        // What no template has as an argument is of no use to any.
        if let Some(given) = given.iter().find(|given| given.name == arg.name && has_value(given)) {
            *arg = given.clone();
        }
    }
    if let Some(missing) = args.iter().find(|arg| !has_value(arg)) {
        let why = format!("args.{} was not resolved: no template has a value for it, and none is given", missing.name);
        return Err(Unfit::Together(why));
    }
    if let Some(why) = super::read::unsupported(&flat.metrics) {
        return Err(Unfit::Together(why));
    }
    Ok(AnalysisRunSpec {
        metrics: flat.metrics,
        args,
        terminate: false,
        dry_run: flat.dry_run.into_iter().chain(dry_run.iter().cloned()).collect(),
        measurement_retention: flat.measurement_retention.into_iter().chain(retention.iter().cloned()).collect(),
        ttl_strategy: None,
    })
}

/// An argument with the value that it has for this rollout now.
pub fn value_of(arg: &AnalysisRunArgument, parent: &Parent<'_>) -> Result<Argument, Unfit> {
    let from = arg.value_from.as_ref();
    let value = if let Some(field) = from.and_then(|from| from.field_ref.as_ref()) {
        let path = &field.field_path;
        let value = if path.starts_with("metadata") {
            field_path::of_metadata(&parent.rollout.metadata, path)
        } else {
            let rollout = serde_json::to_value(parent.rollout).unwrap_or(Value::Null);
            field_path::of_object(&rollout, path)
        };
        Some(value.map_err(|why| Unfit::Together(format!("args.{} was not resolved: {why}", arg.name)))?)
    } else {
        match from.and_then(|from| from.pod_template_hash_value.as_deref()) {
            Some("Stable") => Some(parent.stable.to_owned()),
            Some(_) => Some(parent.hash.to_owned()),
            None => arg.value.clone(),
        }
    };
    Ok(Argument { name: arg.name.clone(), value, value_from: None })
}

fn metadata(name: &str, request: &Request<'_>, parent: &Parent<'_>) -> ObjectMeta {
    let rollout = parent.rollout;
    let said = request.block.analysis_run_metadata.clone().unwrap_or_default();
    let (mut own, mut annotations) = (said.labels, said.annotations);
    let selector = parent.selector.and_then(|selector| selector.match_labels.clone());
    own.extend(selector.unwrap_or_default());
    own.insert(labels::POD_TEMPLATE_HASH.to_owned(), parent.hash.to_owned());
    own.insert(labels::ROLLOUT_TYPE.to_owned(), request.origin.label().to_owned());
    if let Origin::Step(index) = request.origin {
        own.insert(labels::STEP_INDEX.to_owned(), index.to_string());
    }
    let instance = rollout.metadata.labels.as_ref().and_then(|labels| labels.get(labels::INSTANCE_ID));
    own.extend(instance.map(|id| (labels::INSTANCE_ID.to_owned(), id.clone())));
    annotations.insert(labels::REVISION.to_owned(), parent.revision.to_string());
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: rollout.metadata.namespace.clone(),
        labels: Some(own),
        annotations: Some(annotations),
        owner_references: Some(vec![parent.owner.clone()]),
        ..ObjectMeta::default()
    }
}

/// The templates that a manifest names for analyses of its own.
pub fn named(rollout: &Rollout) -> Vec<&AnalysisTemplateRef> {
    let strategy = &rollout.spec.strategy;
    let canary = strategy.canary.as_ref();
    let background = canary.and_then(|canary| canary.analysis.as_ref()).map(|block| &block.templates);
    let steps = canary.and_then(|canary| canary.steps.as_ref()).into_iter().flatten();
    let of_steps = steps.filter_map(|step| Some(&step.analysis.as_ref()?.templates));
    let blue_green = strategy.blue_green.as_ref();
    let pre = blue_green.and_then(|blue_green| blue_green.pre_promotion_analysis.as_ref());
    let post = blue_green.and_then(|blue_green| blue_green.post_promotion_analysis.as_ref());
    let gates = pre.into_iter().chain(post).map(|block| &block.templates);
    background.into_iter().chain(of_steps).chain(gates).flatten().collect()
}

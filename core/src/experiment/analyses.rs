//! The analysis runs of an experiment.
//!
//! As with a rollout, a run's name is stored before the run is created.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::plan::Draft;
use super::pods;
use crate::analysis::Phase;
use crate::analysis::arguments::fill_text;
use crate::analysis::origin::{free_name, run_spec};
use crate::analysis::templates::Unfit;
use crate::api::{
    AnalysisRun, AnalysisTemplateRef, Argument, ExperimentAnalysisRunStatus, ExperimentAnalysisTemplateRef, labels,
};
use crate::effect::{Child, ChildKind, ChildWrite, Effect, Target};
use crate::event::Note;
use crate::time;

/// Time until a template that is missing is looked for again.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// Writes down where the runs stand.
pub(super) fn observe(d: &mut Draft<'_>) {
    for entry in &mut d.status.analysis_runs {
        let Some(run) = d.s.analyses.run(&entry.analysis_run) else { continue };
        let status = run.status.clone().unwrap_or_default();
        let phase = Phase::read(&status.phase);
        if entry.phase != phase.as_str() && phase != Phase::Pending {
            d.notes.push(Note::experiment_analysis_moved(&entry.name, phase, &status.message));
        }
        phase.as_str().clone_into(&mut entry.phase);
        entry.message = status.message;
    }
}

/// Starts what is due, and has those ended that nothing waits for.
pub(super) fn settle(d: &mut Draft<'_>) {
    if d.is_ending() {
        end_all(d);
    } else if d.status.available_at.is_some() {
        for analysis in &d.s.experiment.spec.analyses {
            start(d, analysis);
        }
    }
}

fn end_all(d: &mut Draft<'_>) {
    for run in &d.s.analyses.runs {
        let phase = Phase::read(run.status.as_ref().map_or("", |status| &status.phase));
        if phase.is_over() || run.spec.terminate || run.metadata.deletion_timestamp.is_some() {
            continue;
        }
        let name = run.metadata.name.as_deref().unwrap_or_default();
        let end = ChildWrite::Terminate(ChildKind::AnalysisRun, Target::of(&run.metadata));
        d.plan(Effect::Child(end), vec![Note::analysis_terminated(name)]);
    }
}

fn start(d: &mut Draft<'_>, analysis: &ExperimentAnalysisTemplateRef) {
    let Some(entry) = d.status.analysis_runs.iter().find(|entry| entry.name == analysis.name).cloned() else {
        let wanted = format!("{}-{}", experiment_name(d), analysis.name);
        let name = free_name(&wanted, ".", |name| is_taken(d, name));
        d.status.analysis_runs.push(ExperimentAnalysisRunStatus {
            name: analysis.name.clone(),
            analysis_run: name,
            phase: Phase::Pending.as_str().to_owned(),
            message: String::new(),
        });
        return;
    };
    if d.s.analyses.run(&entry.analysis_run).is_some() || Phase::read(&entry.phase).is_over() {
        return;
    }
    let stored = d.s.experiment.status.as_ref().map_or(&[][..], |status| &status.analysis_runs);
    if !stored.iter().any(|stored| stored.analysis_run == entry.analysis_run) {
        return;
    }
    if is_taken(d, &entry.analysis_run) {
        // Somebody else's: the next plan takes another name.
        d.status.analysis_runs.retain(|known| known.name != analysis.name);
        d.wake_at(d.s.now);
        return;
    }
    match run(d, &entry.analysis_run, analysis) {
        Ok(run) => d.plan(Effect::Child(ChildWrite::Create(Box::new(Child::AnalysisRun(run)))), Vec::new()),
        Err(Unfit::Template { why, .. } | Unfit::Together(why)) => {
            d.trouble.get_or_insert(format!("Analysis '{}' cannot begin: {why}", analysis.name));
            // Nobody tells when a template changes.
            d.wake_at(time::after(d.s.now, AGAIN));
        }
    }
}

fn experiment_name<'a>(d: &Draft<'a>) -> &'a str {
    d.s.experiment.metadata.name.as_deref().unwrap_or_default()
}

fn is_taken(d: &Draft<'_>, name: &str) -> bool {
    let nobody = Child::AnalysisRun(AnalysisRun::new(name, <_>::default()));
    let key = Effect::Child(ChildWrite::Create(Box::new(nobody))).key();
    d.s.analyses.run(name).is_some() || d.s.refusals.iter().any(|refusal| refusal.key == key && refusal.name_taken)
}

fn run(d: &Draft<'_>, name: &str, analysis: &ExperimentAnalysisTemplateRef) -> Result<AnalysisRun, Unfit> {
    let spec = &d.s.experiment.spec;
    let template =
        AnalysisTemplateRef { template_name: analysis.template_name.clone(), cluster_scope: analysis.cluster_scope };
    let flat = d.s.analyses.templates.flatten(&[template])?;
    let given = analysis.args.iter().map(|arg| argument(d, arg)).collect::<Result<Vec<_>, _>>()?;
    let mut run = AnalysisRun::new(name, run_spec(flat, &given, &spec.dry_run, &spec.measurement_retention)?);
    let said = spec.analysis_run_metadata.clone().unwrap_or_default();
    let mut own = said.labels;
    let metadata = &d.s.experiment.metadata;
    for key in [labels::INSTANCE_ID, labels::POD_TEMPLATE_HASH] {
        let value = metadata.labels.as_ref().and_then(|labels| labels.get(key));
        own.extend(value.map(|value| (key.to_owned(), value.clone())));
    }
    run.metadata = ObjectMeta {
        name: Some(name.to_owned()),
        namespace: metadata.namespace.clone(),
        labels: Some(own),
        annotations: Some(said.annotations),
        owner_references: Some(vec![pods::owner(d)]),
        ..ObjectMeta::default()
    };
    Ok(run)
}

/// An argument whose value may speak of the experiment.
fn argument(d: &Draft<'_>, arg: &Argument) -> Result<Argument, Unfit> {
    let Some(value) = &arg.value else { return Ok(arg.clone()) };
    let filled = fill_text(value, &|reference| fact(d, reference));
    let value = filled.map_err(|error| Unfit::Together(format!("args.{}: {error}", arg.name)))?;
    Ok(Argument { value: Some(value), ..arg.clone() })
}

/// What an experiment's arguments can refer to.
fn fact(d: &Draft<'_>, reference: &str) -> Option<String> {
    let moment = |at: Option<Timestamp>| at.map(|at| at.to_string());
    match reference {
        "experiment.availableAt" => moment(d.status.available_at.as_ref().map(|time| time.0)),
        "experiment.finishedAt" => moment(d.ends_at()),
        _ => {
            let (template, what) = reference.strip_prefix("templates.")?.split_once('.')?;
            let template = d.s.experiment.spec.templates.iter().find(|known| known.name == template)?;
            let status = d.status.template_statuses.iter().find(|status| status.name == template.name)?;
            match what {
                "podTemplateHash" => Some(status.pod_template_hash.clone()),
                "replicaset.name" => Some(pods::name_of(d, template)),
                _ => None,
            }
        }
    }
}

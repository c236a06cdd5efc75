//! Analysis templates: whether those that a block names are there, go together, and get the arguments that they need.

use std::collections::BTreeSet;

use super::{Reference, Search};
use crate::analysis::templates::{MOST_TEMPLATES, has_value, kind_of, merge_arguments};
use crate::api::{AnalysisRunArgument, AnalysisTemplate, AnalysisTemplateRef, AnalysisTemplateSpec, Argument};
use crate::validate::canary::CANARY;
use crate::validate::metrics;

const BLUE_GREEN: &str = "spec.strategy.blueGreen";

/// What an analysis is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Something waits for its end.
    Gate,
    /// It runs beside the steps until they end.
    Background,
    /// It ends with its experiment.
    Experiment,
}

struct Block {
    field: String,
    purpose: Purpose,
    templates: Vec<(String, AnalysisTemplateRef)>,
    args: Vec<AnalysisRunArgument>,
}

pub(super) fn check(search: &mut Search<'_>) {
    for block in blocks(search) {
        check_block(search, &block);
    }
}

fn block(field: String, purpose: Purpose, templates: &[AnalysisTemplateRef], args: &[AnalysisRunArgument]) -> Block {
    let named = templates.iter().enumerate();
    let templates = named.map(|(index, one)| (format!("{field}.templates[{index}].templateName"), one.clone()));
    Block { templates: templates.collect(), field, purpose, args: args.to_vec() }
}

fn blocks(search: &Search<'_>) -> Vec<Block> {
    let mut blocks = Vec::new();
    let strategy = &search.rollout.spec.strategy;
    if let Some(blue_green) = &strategy.blue_green {
        let pre = ("prePromotionAnalysis", &blue_green.pre_promotion_analysis);
        for (name, one) in [pre, ("postPromotionAnalysis", &blue_green.post_promotion_analysis)] {
            if let Some(one) = one {
                blocks.push(block(format!("{BLUE_GREEN}.{name}"), Purpose::Gate, &one.templates, &one.args));
            }
        }
    }
    let Some(canary) = &strategy.canary else { return blocks };
    if let Some(one) = &canary.analysis {
        blocks.push(block(format!("{CANARY}.analysis"), Purpose::Background, &one.templates, &one.args));
    }
    for (index, step) in canary.steps.iter().flatten().enumerate() {
        let field = format!("{CANARY}.steps[{index}]");
        if let Some(one) = &step.analysis {
            blocks.push(block(format!("{field}.analysis"), Purpose::Gate, &one.templates, &one.args));
        }
        for (index, one) in step.experiment.iter().flat_map(|experiment| &experiment.analyses).enumerate() {
            let field = format!("{field}.experiment.analyses[{index}]");
            let reference =
                AnalysisTemplateRef { template_name: one.template_name.clone(), cluster_scope: one.cluster_scope };
            let templates = vec![(format!("{field}.templateName"), reference)];
            blocks.push(Block { field, purpose: Purpose::Experiment, templates, args: one.args.clone() });
        }
    }
    blocks
}

/// Templates by where they were named first, those that they name included.
#[derive(Default)]
struct Gathered {
    templates: Vec<(String, String, AnalysisTemplateSpec)>,
    /// Whether one could not be looked into.
    is_partial: bool,
}

fn check_block(search: &mut Search<'_>, block: &Block) {
    let gathered = gather(search, block);
    if block.purpose == Purpose::Gate {
        for (field, name, template) in &gathered.templates {
            for metric in template.metrics.iter().filter(|metric| metrics::runs_indefinitely(metric)) {
                let count = metric.count.as_ref().map_or_else(|| "<nil>".to_owned(), |_| "0".to_owned());
                let detail = format!(
                    "AnalysisTemplate {name} has metric {} which runs indefinitely. Invalid value for count: {count}",
                    metric.name
                );
                search.found.invalid(field, name, &detail);
            }
        }
    }
    one_name_each(search, block, &gathered);
    let args = merged(search, block, &gathered);
    given(search, block, &gathered, &args);
}

fn gather(search: &mut Search<'_>, block: &Block) -> Gathered {
    let mut gathered = Gathered::default();
    let mut queue: Vec<(String, AnalysisTemplateRef)> = block.templates.iter().rev().cloned().collect();
    let mut seen = BTreeSet::new();
    while let Some((field, reference)) = queue.pop() {
        let AnalysisTemplateRef { template_name: name, cluster_scope } = reference;
        if name.is_empty() || !seen.insert((name.clone(), cluster_scope)) {
            continue;
        }
        if seen.len() > MOST_TEMPLATES {
            search.found.error(&block.field, format!("names more than {MOST_TEMPLATES} templates"));
            gathered.is_partial = true;
            break;
        }
        let namespace = search.rollout.metadata.namespace.as_deref().filter(|_| !cluster_scope);
        let reference = Reference { group: "argoproj.io", kind: kind_of(cluster_scope), namespace, name: &name };
        let found = search.find_in(&field, reference);
        // A template that cannot be read has problems of its own, which are told where it is.
        let read = found.and_then(|object| serde_json::from_value::<AnalysisTemplate>(object.into_owned()).ok());
        match read {
            Some(template) => {
                queue.extend(template.spec.templates.iter().rev().map(|inner| (field.clone(), inner.clone())));
                gathered.templates.push((field, name, template.spec));
            }
            None => gathered.is_partial = true,
        }
    }
    gathered
}

fn one_name_each(search: &mut Search<'_>, block: &Block, gathered: &Gathered) {
    let mut names = BTreeSet::new();
    for metric in gathered.templates.iter().flat_map(|(_, _, template)| &template.metrics) {
        if !names.insert(metric.name.as_str()) {
            let message = format!("two metrics have the same name '{}'", metric.name);
            search.found.error(format!("{}.templates", block.field), message);
        }
    }
}

/// The templates' arguments, with the value that each has before the block gives its own.
fn merged(search: &mut Search<'_>, block: &Block, gathered: &Gathered) -> Vec<Argument> {
    let (merged, conflicts) = merge_arguments(gathered.templates.iter().flat_map(|(_, _, template)| &template.args));
    for conflict in conflicts {
        search.found.error(format!("{}.templates", block.field), conflict);
    }
    merged
}

fn given(search: &mut Search<'_>, block: &Block, gathered: &Gathered, args: &[Argument]) {
    let given: BTreeSet<&str> = block.args.iter().map(|arg| arg.name.as_str()).collect();
    for arg in args.iter().filter(|arg| !has_value(arg) && !given.contains(arg.name.as_str())) {
        let field = format!("{}.args", block.field);
        let message =
            format!("args.{} was not resolved: its template has no value for it, and none is given here", arg.name);
        if block.purpose == Purpose::Background {
            search.found.error(field, message);
        } else {
            // Of ours: Argo Rollouts starts the update, and the analysis run ends in an error.
            search.found.warn(field, message);
        }
    }
    if gathered.is_partial {
        return;
    }
    for (index, arg) in block.args.iter().enumerate().filter(|(_, arg)| args.iter().all(|known| known.name != arg.name))
    {
        // Of ours: Argo Rollouts drops it.
        let message = format!("no template has an argument {:?}, so it has no effect", arg.name);
        search.found.warn(format!("{}.args[{index}].name", block.field), message);
    }
}

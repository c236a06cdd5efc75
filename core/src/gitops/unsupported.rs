//! What an Application may say and is not acted on yet: it holds the Application, and says so.

use super::jq::Path;
use super::url::{is_crooked, shown};
use super::{marks, preempt};
use crate::api::{Application, ApplicationSource, SyncOperation};

/// The cluster that Sluice runs in.
pub const HERE: &str = "https://kubernetes.default.svc";
/// Its name.
pub const HERE_BY_NAME: &str = "in-cluster";

/// Bytes that manifests may have that are sent with a sync, as JSON: the Application has them twice while it goes on, and an API server
/// keeps no object of more than 1.5 MiB.
pub const SENT: usize = 512 << 10;

/// The bytes that manifests have that are sent with a sync, as JSON.
pub fn bytes_sent(manifests: &[String]) -> usize {
    serde_json::to_string(manifests).map_or(usize::MAX, |text| text.len())
}

/// Everything that an Application says and that is not acted on yet, and what cannot be right.
pub fn problems(application: &Application) -> Vec<String> {
    let spec = &application.spec;
    let mut problems = Vec::new();
    let mut not_yet = |what: String| problems.push(format!("{what} is not supported yet"));
    if spec.source_hydrator.is_some() {
        not_yet("spec.sourceHydrator".to_owned());
    }
    for option in spec.sync_policy.iter().flat_map(|policy| unknown(&policy.sync_options)) {
        not_yet(format!("the sync option {option}"));
    }
    for (index, rule) in spec.ignore_differences.iter().enumerate() {
        let wrong = rule.jq_path_expressions.iter().filter_map(|text| Some((text, Path::read(text).err()?)));
        let at = format!("spec.ignoreDifferences[{index}].jqPathExpressions");
        problems.extend(wrong.map(|(text, why)| format!("{at}: {text}: {why}")));
    }
    problems.extend(preempt::policy(application).err());
    let destination = &spec.destination;
    if !destination.server.is_empty() && !destination.name.is_empty() {
        problems.push("spec.destination: one of server and name is enough, and both are given".to_owned());
    } else if destination.server.is_empty() && destination.name.is_empty() {
        problems.push("spec.destination: a server or a name is needed".to_owned());
    } else if destination.server != HERE && destination.name != HERE_BY_NAME {
        let other = if destination.server.is_empty() { &destination.name } else { &destination.server };
        problems.push(format!(
            "spec.destination: the cluster {other} is not this one ({HERE}), and others are not supported yet"
        ));
    }
    if spec.all_sources().is_empty() {
        problems.push("spec.source is missing".to_owned());
    }
    problems.extend(of_sources(&places(application).collect::<Vec<_>>()));
    problems
}

/// What sources say that is not acted on yet, or cannot be right.
fn of_sources(sources: &[(String, &ApplicationSource)]) -> Vec<String> {
    let (mut problems, mut names) = (Vec::new(), Vec::new());
    for (at, source) in sources {
        problems.extend(fields(source).map(|field| format!("{at}.{field} is not supported yet")));
        if source.repo_url.is_empty() {
            problems.push(format!("{at}.repoURL is empty"));
        }
        if is_crooked(&source.repo_url) {
            let url = shown(&source.repo_url);
            problems.push(format!("{at}.repoURL: {url} has . or .. in its path; write down where that leads"));
        }
        let name = source.reference.as_str();
        if name.is_empty() {
            continue;
        }
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
            problems.push(format!("{at}.ref: {name:?} is no name: letters, digits, - and _ are"));
        }
        if names.contains(&name) {
            problems.push(format!("{at}.ref: there is another source of the name {name}"));
        }
        names.push(name);
    }
    problems
}

/// The sources, and where each is.
fn places(application: &Application) -> impl Iterator<Item = (String, &ApplicationSource)> {
    let spec = &application.spec;
    let place = |index| if spec.has_several() { format!("spec.sources[{index}]") } else { "spec.source".to_owned() };
    spec.all_sources().iter().enumerate().map(move |(index, source)| (place(index), source))
}

/// What somebody asks for beside that.
pub fn of_asked(application: &Application) -> Vec<String> {
    let Some(sync) = application.operation.as_ref().and_then(|operation| operation.sync.as_ref()) else {
        return Vec::new();
    };
    let own: Vec<(String, &ApplicationSource)> =
        sync.source.iter().chain(&sync.sources).map(|source| ("operation.sync: a source".to_owned(), source)).collect();
    let sources = of_sources(&own);
    let manifests = of_manifests(application, sync);
    let options = unknown(&sync.sync_options).map(|option| format!("the sync option {option} is not supported yet"));
    manifests.into_iter().chain(sources).chain(options).collect()
}

/// Why manifests that were sent are not applied.
fn of_manifests(application: &Application, sync: &SyncOperation) -> Option<String> {
    let bytes = bytes_sent(&sync.manifests);
    let is_automatic = application.spec.sync_policy.as_ref().is_some_and(|policy| policy.automatic().is_some());
    if bytes > SENT {
        return Some(format!("operation.sync.manifests: they have {bytes} bytes, and {SENT} are allowed"));
    }
    let is_undone = is_automatic && !sync.manifests.is_empty() && !sync.dry_run;
    is_undone.then(|| "Cannot use local sync when Automatic Sync Policy is enabled".to_owned())
}

fn unknown(options: &[String]) -> impl Iterator<Item = &String> {
    options.iter().filter(|option| !marks::is_known(option))
}

/// The fields of a source that are given and not acted on yet.
pub fn fields(source: &ApplicationSource) -> impl Iterator<Item = &'static str> + use<> {
    of_source(source).into_iter().filter(|(_, is_given)| *is_given).map(|(field, _)| field)
}

fn of_source(source: &ApplicationSource) -> [(&'static str, bool); 5] {
    let directory = source.directory.as_ref();
    let kustomize = source.kustomize.clone().unwrap_or_default();
    let is_told = !kustomize.kube_version.is_empty() || !kustomize.api_versions.is_empty();
    [
        ("helm.version", source.helm.as_ref().is_some_and(|helm| !["", "v3"].contains(&helm.version.as_str()))),
        ("kustomize.version", !kustomize.version.is_empty()),
        ("kustomize.kubeVersion and apiVersions", is_told),
        ("repoURL: what is at oci:// and no chart", source.chart.is_empty() && source.repo_url.starts_with("oci://")),
        (
            "directory.jsonnet",
            directory
                .is_some_and(|directory| directory.jsonnet.as_ref().is_some_and(|it| *it != serde_json::json!({}))),
        ),
    ]
}

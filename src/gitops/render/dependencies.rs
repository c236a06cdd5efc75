//! The charts that a chart needs and that are elsewhere: they are fetched before Helm is called, which has no network here.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use sluice_core::gitops::dependency::{CHART, Dependency, Place, REQUIREMENTS, as_come, dependencies, is_archive_of};

use super::Subject;
use super::checkout::Checkout;
use crate::gitops::git::shown;

/// A chart that another one needs.
pub(super) struct Needed<'a> {
    /// Where it belongs, from the root of the repository.
    pub folder: String,
    /// Its files.
    pub checkout: Checkout<'a>,
}

/// What a chart says that it needs.
pub(super) struct Said {
    file: Value,
    lock: Option<Value>,
}

impl Said {
    /// The file that says so.
    pub fn file(&self) -> &Value {
        &self.file
    }
}

/// What the chart in a folder says that it needs. One of the first version says it in a file apart, which Helm reads of every other, too.
pub(super) async fn said(subject: &Subject<'_>, folder: &str) -> Result<Vec<Said>, String> {
    let mut found = Vec::new();
    for [name, lock] in [CHART, REQUIREMENTS] {
        let Some(file) = subject.checkout.yaml(&format!("{folder}/{name}")).await? else { break };
        let has_any = file["dependencies"].as_array().is_some_and(|all| !all.is_empty());
        let lock = if has_any { subject.checkout.yaml(&format!("{folder}/{lock}")).await? } else { None };
        found.push(Said { file, lock });
    }
    Ok(found)
}

/// Fetches what the chart in a folder needs, and what is not in its folder `charts`.
pub(super) async fn fetch<'a>(subject: &Subject<'a>, folder: &str, said: &[Said]) -> Result<Vec<Needed<'a>>, String> {
    let mut needed: Vec<Needed<'a>> = Vec::new();
    for Said { file, lock } in said {
        for dependency in dependencies(file)? {
            let Some(place) = dependency.place() else { continue };
            if has(subject, folder, &dependency.name).await? {
                continue;
            }
            let checkout = chart(subject, &dependency, place, lock.as_ref()).await.map_err(|why| {
                format!("it needs the chart {}, which is not in its folder charts: {why}", dependency.name)
            })?;
            let plain = format!("{folder}/charts/{}", dependency.name).trim_start_matches('/').to_owned();
            // One that is there in two versions has a folder for each.
            let other = format!("{plain}-{}", checkout.revision);
            // The same under two names is there once.
            if needed.iter().any(|known| known.checkout.commit == checkout.commit) {
                continue;
            }
            let is_taken = needed.iter().any(|known| known.folder == plain);
            needed.push(Needed { folder: if is_taken { other } else { plain }, checkout });
        }
    }
    Ok(needed)
}

/// Those that a chart says that it needs from folders beside it, and that are in its folder `charts`.
pub(super) async fn are_there(subject: &Subject<'_>, folder: &str, said: &Said) -> Result<BTreeSet<String>, String> {
    let all = said.file["dependencies"].as_array().into_iter().flatten();
    let all = all.filter(|it| it["repository"].as_str().is_some_and(|place| place.starts_with("file://")));
    let mut there = BTreeSet::new();
    for name in all.filter_map(|dependency| dependency["name"].as_str()) {
        if has(subject, folder, name).await? {
            there.insert(name.to_owned());
        }
    }
    Ok(there)
}

/// Whether the folder `charts` of a chart has one of this name.
async fn has(subject: &Subject<'_>, folder: &str, name: &str) -> Result<bool, String> {
    let is_folder = async |path: &str| {
        let look = subject.checkout.look(path, false).await;
        look.map(|look| look.entry.is_some_and(|entry| entry.is_folder))
    };
    let charts = format!("{folder}/charts");
    if !is_folder(&charts).await? {
        return Ok(false);
    }
    if is_folder(&format!("{charts}/{name}")).await? {
        return Ok(true);
    }
    let files = subject.checkout.names(&charts).await?;
    Ok(files.iter().any(|file| is_archive_of(file, name)))
}

async fn chart<'a>(
    subject: &Subject<'a>,
    dependency: &Dependency,
    place: Place<'_>,
    lock: Option<&Value>,
) -> Result<Checkout<'a>, String> {
    let url = match place {
        Place::Url(url) => url.to_owned(),
        Place::Named(name) => subject.cx.repositories.url_of(name, subject.project).ok_or_else(|| {
            format!(
                "no Secret with the label argocd.argoproj.io/secret-type: repository has the name {name:?} and a url"
            )
        })?,
    };
    let (cx, project) = (subject.cx, subject.project);
    if !cx.projects.of(project).await??.permits_source(&url) {
        let url = shown(&url);
        return Err(format!(
            "the repository {url} is not permitted in project '{project}': its sourceRepos say which are"
        ));
    }
    // Only the Application's own repository may send its login elsewhere.
    let charts = cx.charts.at(&cx.repositories.access(&url, project), false)?;
    let locked = lock.and_then(|lock| dependency.locked(lock));
    let version = locked.as_ref().unwrap_or(&dependency.version);
    // What is pinned does not change, and is not asked for again.
    let kept = if locked.is_some() { charts.kept(&dependency.name, version).await } else { None };
    let chart = match kept {
        Some(chart) => chart,
        None => charts.chart(&dependency.name, version, subject.since).await?,
    };
    Checkout::of_chart((subject.cx, subject.project), &charts, chart).await
}

/// Lets the chart in a folder say that what was fetched is there, so that Helm looks for nothing but what is beside.
pub(super) fn settle(folder: &Path) -> Result<(), String> {
    for [name, lock] in [CHART, REQUIREMENTS] {
        let path = folder.join(name);
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let mut file = super::yaml(&text).map_err(|why| format!("{name}: {why}"))?;
        as_come(&mut file);
        std::fs::write(&path, file.to_string()).map_err(|error| format!("{name}: {error}"))?;
        // It is of another file now. There may be none.
        let _ = std::fs::remove_file(folder.join(lock));
    }
    Ok(())
}

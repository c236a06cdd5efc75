//! A chart, rendered by `helm template`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::json;
use sluice_core::gitops::chart::{ValueFile, arguments, file_parameters, needs, value_files, values};
use sluice_core::gitops::manifest::Document;

use super::closure::Closure;
use super::dependencies::{self, Needed};
use super::{Subject, program};

/// Charts of other repositories that one may need, by way of others of its own repository, too.
const MOST_NEEDED: usize = 100;

pub(super) async fn render(subject: &Subject<'_>) -> Result<Vec<Document>, String> {
    let helm = subject.source.helm.clone().unwrap_or_default();
    let files = value_files(&helm, &subject.folder)?;
    let singles = file_parameters(&helm, &subject.folder)?;
    let own = files.iter().chain(singles.iter().map(|(_, file)| file)).filter(|file| file.source.is_none());
    let (closure, needed) = closure(subject, own.map(|file| &file.path)).await?;
    let mut closures = vec![("repository".to_owned(), closure)];
    for Needed { folder, checkout } in &needed {
        let mut closure = Closure::new(checkout);
        closure.add("").await?;
        closures.push((format!("repository/{folder}"), closure));
    }
    closures.extend(others(subject, files.iter().chain(singles.iter().map(|(_, file)| file))).await?);
    let cluster = subject.cx.cluster.facts().await?;
    let program = subject.cx.programs.helm.as_str();
    let version = subject.cx.versions.of(program, &["version", "--short"]).await?;
    let inputs = json!([
        "helm",
        version,
        subject.folder,
        helm,
        subject.application,
        subject.namespace,
        cluster.version,
        cluster.apis,
    ]);
    subject
        .by_program("Helm", &inputs, &closures, async |folder: &Path| {
            let home = folder.join("home");
            let at = |file: &ValueFile| {
                folder.join(file.source.as_deref().map_or("repository".to_owned(), place)).join(&file.path)
            };
            std::fs::create_dir(&home).map_err(|error| format!("cannot make a home for helm: {error}"))?;
            let mut given = Vec::new();
            for file in &files {
                let path = at(file);
                match path.is_file() {
                    true => given.push(path.display().to_string()),
                    false if helm.ignore_missing_value_files => {}
                    false => return Err(format!("spec.source.helm.valueFiles: there is no file {}", file.named)),
                }
            }
            if let Some(own) = values(&helm) {
                let path = home.join("values.yaml");
                std::fs::write(&path, own).map_err(|error| format!("cannot write the values: {error}"))?;
                given.push(path.display().to_string());
            }
            let single = |(name, file): &(String, ValueFile)| (name.clone(), at(file).display().to_string());
            let singles: Vec<(String, String)> = singles.iter().map(single).collect();
            let arguments = arguments(&helm, subject.application, subject.namespace, &given, &singles, &cluster);
            let at = folder.join("repository").join(&subject.folder);
            build(program, &arguments, &at, &home).await.map_err(|why| {
                let hint = if why.contains("invalid release name") {
                    "; spec.source.helm.releaseName can be another than the Application's"
                } else {
                    ""
                };
                program::shown(&why, folder) + hint
            })
        })
        .await
}

/// Renders the chart in a folder. Charts of the same repository only have to be put together.
async fn build(program: &str, arguments: &[String], chart: &Path, home: &Path) -> Result<String, String> {
    let built = program::run(program, arguments, chart, home).await;
    let Err(why) = &built else { return built };
    if !why.contains("missing in charts/ directory") {
        return built;
    }
    dependencies::settle(chart)?;
    let together = ["dependency", "build", "--skip-refresh"].map(str::to_owned);
    let put = program::run(program, &together, chart, home).await;
    put.map_err(|other| format!("{why} ({other})"))?;
    program::run(program, arguments, chart, home).await
}

/// The folder of the files of another source.
fn place(source: &str) -> String {
    format!("of-{source}")
}

/// The files of other sources that the chart is given.
async fn others<'a>(
    subject: &Subject<'a>,
    files: impl Iterator<Item = &ValueFile>,
) -> Result<Vec<(String, Closure<'a>)>, String> {
    let mut closures: BTreeMap<&str, Closure<'a>> = BTreeMap::new();
    for file in files {
        let Some(source) = file.source.as_deref() else { continue };
        let Some((name, checkout)) = subject.named.get_key_value(source) else {
            return Err(format!("spec.sources: {}: no source has the ref {source}", file.named));
        };
        closures.entry(name).or_insert_with(|| Closure::new(checkout)).add(&file.path).await?;
    }
    Ok(closures.into_iter().map(|(name, closure)| (place(name), closure)).collect())
}

/// The chart, the files with its values, and the charts that it needs: those of the same repository, and those of others.
async fn closure<'a>(
    subject: &Subject<'a>,
    files: impl Iterator<Item = &String>,
) -> Result<(Closure<'a>, Vec<Needed<'a>>), String> {
    let mut closure = Closure::new(subject.checkout);
    closure.add(&subject.folder).await?;
    for file in files {
        closure.add(file).await?;
    }
    let mut needed = Vec::new();
    let mut seen = BTreeSet::from([subject.folder.clone()]);
    let mut open = vec![subject.folder.clone()];
    while let Some(folder) = open.pop() {
        let said = dependencies::said(subject, &folder).await?;
        needed.extend(dependencies::fetch(subject, &folder, &said).await?);
        if needed.len() > MOST_NEEDED {
            return Err(format!("it needs more than {MOST_NEEDED} charts of other repositories"));
        }
        for said in said {
            let there = dependencies::are_there(subject, &folder, &said).await?;
            for path in needs(said.file(), &folder, |name| there.contains(name))? {
                if seen.insert(path.clone()) && closure.add(&path).await?.is_some_and(|entry| entry.is_folder) {
                    open.push(path);
                }
            }
        }
    }
    Ok((closure, needed))
}

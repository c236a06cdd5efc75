//! A chart, rendered by `helm template`.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;
use sluice_core::gitops::chart::{arguments, file_parameters, needs, value_files, values};
use sluice_core::gitops::manifest::Document;

use super::closure::Closure;
use super::{Subject, program};

const PROGRAM: &str = "helm";

pub(super) async fn render(subject: &Subject<'_>) -> Result<Vec<Document>, String> {
    let helm = subject.source.helm.clone().unwrap_or_default();
    let files = value_files(&helm, &subject.folder)?;
    let singles = file_parameters(&helm, &subject.folder)?;
    let read = files.iter().map(|file| &file.path).chain(singles.iter().map(|(_, path)| path));
    let closure = closure(subject, read).await?;
    let cluster = subject.cx.cluster.facts().await?;
    let version = subject.cx.versions.of(PROGRAM, &["version", "--short"]).await?;
    let inputs = json!([
        PROGRAM,
        version,
        subject.folder,
        helm,
        subject.application,
        subject.namespace,
        cluster.version,
        cluster.apis,
    ]);
    subject
        .by_program(&inputs, &closure, async |folder: &Path| {
            let (root, home) = (folder.join("repository"), folder.join("home"));
            std::fs::create_dir(&home).map_err(|error| format!("cannot make a home for {PROGRAM}: {error}"))?;
            let mut given = Vec::new();
            for file in &files {
                let path = root.join(&file.path);
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
            let single = |(name, path): &(String, String)| (name.clone(), root.join(path).display().to_string());
            let singles: Vec<(String, String)> = singles.iter().map(single).collect();
            let arguments = arguments(&helm, subject.application, subject.namespace, &given, &singles, &cluster);
            let at = root.join(&subject.folder);
            let built = match program::run(PROGRAM, &arguments, &at, &home).await {
                // Charts of the same repository only have to be put together.
                Err(why) if why.contains("missing in charts/ directory") => {
                    let fetch = ["dependency", "build", "--skip-refresh"].map(str::to_owned);
                    match program::run(PROGRAM, &fetch, &at, &home).await {
                        Ok(_) => program::run(PROGRAM, &arguments, &at, &home).await,
                        Err(other) => Err(format!("{why}; charts of other repositories are not fetched yet ({other})")),
                    }
                }
                built => built,
            };
            built.map_err(|why| program::shown(&why, folder))
        })
        .await
}

/// The chart, the files with its values, and the charts of the same repository that it needs.
async fn closure(subject: &Subject<'_>, files: impl Iterator<Item = &String>) -> Result<Closure, String> {
    let (repository, commit) = (&subject.repository, subject.commit);
    let mut closure = Closure::default();
    closure.add(repository, commit, &subject.folder).await?;
    for file in files {
        closure.add(repository, commit, file).await?;
    }
    let mut seen = BTreeSet::from([subject.folder.clone()]);
    let mut open = vec![subject.folder.clone()];
    while let Some(folder) = open.pop() {
        let Some(chart) = subject.yaml(&format!("{folder}/Chart.yaml")).await? else { continue };
        for path in needs(&chart, &folder)? {
            if seen.insert(path.clone())
                && closure.add(repository, commit, &path).await?.is_some_and(|entry| entry.is_folder)
            {
                open.push(path);
            }
        }
    }
    Ok(closure)
}

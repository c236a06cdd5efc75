//! A folder of Kustomize, rendered by `kustomize build`.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use sluice_core::api::SourceKustomize;
use sluice_core::gitops::kustomization::{FILES, edit, references, remotes};
use sluice_core::gitops::manifest::Document;
use sluice_core::gitops::path::within;

use super::closure::Closure;
use super::{Subject, program, yaml};

/// Strings of kustomizations that are looked up.
const MOST_NAMES: usize = 10_000;

/// Renders the folder that is really at a path: that is what a kustomization's own paths begin with, whichever links lead there.
pub(super) async fn render(subject: &Subject<'_>, at: &str) -> Result<Vec<Document>, String> {
    let options = subject.source.kustomize.clone().unwrap_or_default();
    let closure = closure(subject, at, &options).await?;
    let program = subject.cx.programs.kustomize.as_str();
    let version = subject.cx.versions.of(program, &["version"]).await?;
    let inputs = json!(["kustomize", version, at, options]);
    subject
        .by_program("Kustomize", &inputs, &[("repository".to_owned(), closure)], async |folder: &Path| {
            let root = folder.join("repository");
            let at = root.join(at);
            if options != SourceKustomize::default() {
                adapt(&at, &options)?;
            }
            let home = folder.join("home");
            std::fs::create_dir(&home).map_err(|error| format!("cannot make a home for kustomize: {error}"))?;
            // Files are those of its own folder or of a base, as Kustomize has it by default: others may be the controller's.
            let arguments = ["build", "."].map(str::to_owned);
            let built = program::run(program, &arguments, &at, &home).await;
            built.map_err(|why| program::shown(&why, folder))
        })
        .await
}

/// Writes what the Application adds into the kustomization.
fn adapt(folder: &Path, options: &SourceKustomize) -> Result<(), String> {
    let found = FILES.into_iter().map(|name| (name, folder.join(name))).find(|(_, path)| path.is_file());
    let Some((name, path)) = found else { return Err("there is no kustomization.yaml in it".to_owned()) };
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
    let mut value = yaml(&text).map_err(|why| format!("{name}: {why}"))?;
    edit(&mut value, options, |component| folder.join(component).exists()).map_err(|why| format!("{name}: {why}"))?;
    std::fs::write(&path, value.to_string()).map_err(|error| format!("{name}: {error}"))
}

/// The folder, and everything that its kustomizations refer to.
async fn closure<'a>(subject: &Subject<'a>, at: &str, options: &SourceKustomize) -> Result<Closure<'a>, String> {
    let mut closure = Closure::new(subject.checkout);
    closure.add(&subject.folder).await?;
    closure.add(at).await?;
    let mut seen = BTreeSet::from([at.to_owned()]);
    let mut open = vec![at.to_owned()];
    // What the Application adds is written into the folder's own kustomization.
    let mut more = references(&json!([options.components, options.patches]));
    while let Some(folder) = open.pop() {
        let kustomization = kustomization(subject, &folder).await?.unwrap_or_default();
        if let Some(remote) = remotes(&kustomization).into_iter().next() {
            return Err(format!("{folder}: {remote} is not in this repository, and others are not read yet"));
        }
        for named in references(&kustomization).into_iter().chain(std::mem::take(&mut more)) {
            let path = within(&folder, &named).filter(|path| !path.is_empty() && !named.starts_with('/'));
            let Some(path) = path.filter(|path| seen.insert(path.clone())) else { continue };
            if seen.len() > MOST_NAMES {
                return Err(format!("its kustomizations name more than {MOST_NAMES} things"));
            }
            if let Some(entry) = closure.add(&path).await?
                && entry.is_folder
            {
                open.push(path);
            }
        }
    }
    Ok(closure)
}

/// The kustomization of a folder, if it has one.
async fn kustomization(subject: &Subject<'_>, folder: &str) -> Result<Option<Value>, String> {
    for name in FILES {
        let found = subject.checkout.yaml(&format!("{folder}/{name}")).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

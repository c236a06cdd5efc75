//! A folder that a plugin renders: a program of the operator's own, which may know secrets that are not in Git.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use sluice_core::gitops::environment::REVISIONS;
use sluice_core::gitops::manifest::Document;
use sluice_core::gitops::path::within;
use sluice_core::gitops::plugin::{self, Plugin};
use sluice_core::gitops::push::PATHS;

use super::closure::Closure;
use super::program::{self, Call};
use super::{LIMIT, Subject, plugins};

/// Paths that an Application may name beside its folder.
const MOST_PATHS: usize = 100;

pub(super) async fn render(subject: &Subject<'_>) -> Result<Vec<Document>, String> {
    let wanted = subject.source.plugin.clone().unwrap_or_default();
    let Some(folder) = subject.cx.programs.plugins.clone() else {
        let why = "the controller has none: start it with --gitops-plugins and a folder of their files";
        return Err(format!("spec.source.plugin: {why}"));
    };
    let reading = tokio::task::spawn_blocking(move || plugins::read(&folder)).await;
    let known = reading.map_err(|error| format!("reading the plugins broke off: {error}"))??;
    let plugin = if wanted.name.is_empty() {
        found(subject, known).await?
    } else {
        plugin::named(&known, &wanted.name)?.clone()
    };
    if let Some(field) = plugin.unsupported.first() {
        return Err(format!("the plugin {}: {field} is not supported yet", plugin.name));
    }
    let mut variables: Vec<(String, String)> = subject
        .environment()
        .await?
        .variables()
        .filter(|(name, _)| plugin.asks_for_commit || !REVISIONS.contains(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    variables.extend(plugin::variables(&wanted)?);
    let namespace = subject.owner.metadata.namespace.as_deref().unwrap_or_default();
    let inputs = json!(["plugin", plugin.mark, subject.folder, variables, namespace]);
    let files = [("repository".to_owned(), closure(subject).await?)];
    // These may hold secrets, and are no part of any mark.
    let own = plugin.environment.iter().filter_map(|name| Some((name.clone(), std::env::var(name).ok()?)));
    variables.splice(0..0, own.collect::<Vec<_>>());
    subject
        .by_plugin(&inputs, &files, async |folder: &Path| {
            let (at, home) = (folder.join("repository").join(&subject.folder), folder.join("home"));
            std::fs::create_dir(&home).map_err(|error| format!("cannot make a home for a plugin: {error}"))?;
            let mut printed = String::new();
            for line in plugin.init.iter().chain([&plugin.generate]) {
                let Some((program, arguments)) = line.split_first() else { continue };
                let call =
                    Call { program, arguments, folder: &at, home: &home, variables: &variables, is_online: true };
                let run = program::call(call).await;
                printed = run.map_err(|why| format!("the plugin {}: {}", plugin.name, program::shown(&why, folder)))?;
            }
            Ok(printed)
        })
        .await
}

/// The plugin that is found by the files of the folder.
async fn found(subject: &Subject<'_>, known: Vec<Plugin>) -> Result<Plugin, String> {
    let known: Vec<_> = known.into_iter().map(|plugin| (plugin, AtomicBool::new(false))).collect();
    let known = Arc::new(known);
    let told = Arc::clone(&known);
    // Names are looked at, and nothing is read.
    let look = move |path: &str| {
        for (plugin, found) in told.iter() {
            found.fetch_or(plugin.is_found_by(path), Ordering::Relaxed);
        }
        false
    };
    subject.checkout.files(&subject.folder, true, LIMIT, look).await?;
    let found = known.iter().filter(|(_, found)| found.load(Ordering::Relaxed));
    plugins::alone(found.map(|(plugin, _)| plugin.clone()).collect())
}

/// The folder, and what the Application says that it reads besides.
async fn closure<'a>(subject: &Subject<'a>) -> Result<Closure<'a>, String> {
    let mut closure = Closure::new(subject.checkout);
    closure.add(&subject.folder).await?;
    let said = subject.owner.annotation(PATHS).unwrap_or_default();
    for path in said.split(';').map(str::trim).filter(|path| !path.is_empty()).take(MOST_PATHS) {
        // Of a pattern, the folder before its first sign.
        let plain =
            path.find(['*', '?', '[', '{']).map_or(path, |at| path[..at].rsplit_once('/').map_or("", |it| it.0));
        if let Some(path) = within(&subject.folder, plain) {
            closure.add(&path).await?;
        }
    }
    Ok(closure)
}

//! A plain folder, rendered: its YAML and JSON files, document by document.

use sluice_core::api::SourceDirectory;
use sluice_core::gitops::glob;
use sluice_core::gitops::manifest::Document;

use super::super::tree::File;
use super::Made;
use super::keys::Keys;

/// Whether a file of a folder is read.
pub fn is_read(path: &str, directory: &SourceDirectory) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let fits = |pattern: &str| glob::matches(pattern, path) || (!pattern.contains('/') && glob::matches(pattern, name));
    let is_manifest = directory.disable_extension_filter
        || [".yaml", ".yml", ".json"].iter().any(|end| name.to_ascii_lowercase().ends_with(end));
    // What is said over Applications is no manifest.
    let is_manifest = is_manifest && !name.starts_with(".argocd-source");
    let is_included = directory.include.is_empty() || fits(&directory.include);
    let is_excluded = !directory.exclude.is_empty() && fits(&directory.exclude);
    is_manifest && is_included && !is_excluded
}

/// The documents of files.
///
/// # Errors
/// Every document that cannot be read, with its file and line.
pub fn render(files: &[File], keys: &Keys) -> Result<Made, Vec<String>> {
    let (mut documents, mut wrong, mut is_opened) = (Vec::new(), Vec::new(), false);
    for file in files {
        let Ok(text) = std::str::from_utf8(&file.content) else {
            wrong.push(format!("{}: it is not UTF-8", file.path));
            continue;
        };
        match keys.open(text) {
            Ok(None) => {}
            Ok(Some(opened)) => {
                is_opened = true;
                documents.extend(opened.into_iter().map(|value| Document { file: file.path.clone(), value }));
                continue;
            }
            Err(why) => {
                wrong.push(format!("{}: {why}", file.path));
                continue;
            }
        }
        for part in sluice_yaml::split(text) {
            match sluice_yaml::read(part) {
                Ok(located) => documents.push(Document { file: file.path.clone(), value: located.value }),
                Err(why) => wrong.push(match why.line {
                    Some(line) => format!("{}:{line}: {}", file.path, why.why),
                    None => format!("{}: {}", file.path, why.why),
                }),
            }
        }
    }
    if wrong.is_empty() { Ok(Made { documents, is_opened, is_fleeting: false }) } else { Err(wrong) }
}

//! The plugins that a controller has: files of a folder, which may be those of a ConfigMap.

use std::path::Path;

use sluice_core::gitops::plugin::Plugin;

use super::yaml;

/// Files that are read, and bytes that each may have.
const MOST: usize = 100;
const LONGEST: u64 = 1 << 20;

/// The plugins that a folder has, by their names.
///
/// # Errors
/// The first file that is none.
pub fn read(folder: &Path) -> Result<Vec<Plugin>, String> {
    let wrong = |error: std::io::Error| format!("cannot read --gitops-plugins {}: {error}", folder.display());
    let mut plugins: Vec<Plugin> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // A mounted ConfigMap keeps its own things beside its files, under names that begin with a dot.
        let is_meant = [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end)) && !name.starts_with('.');
        if !is_meant || !path.is_file() {
            continue;
        }
        if std::fs::metadata(&path).map_err(wrong)?.len() > LONGEST {
            return Err(format!("the plugin {name} has more than {} MiB", LONGEST >> 20));
        }
        let text = std::fs::read_to_string(&path).map_err(wrong)?;
        let plugin = yaml(&text).and_then(|value| Plugin::read(&value));
        plugins.push(plugin.map_err(|why| format!("the plugin {name}: {why}"))?);
        if plugins.len() > MOST {
            return Err(format!("--gitops-plugins {}: there are more than {MOST} plugins", folder.display()));
        }
    }
    plugins.sort_by(|one, other| one.name.cmp(&other.name));
    match plugins.windows(2).find(|pair| pair[0].name == pair[1].name) {
        Some(pair) => Err(format!("--gitops-plugins {}: there are two plugins {:?}", folder.display(), pair[0].name)),
        None => Ok(plugins),
    }
}

/// The one plugin that is found by the files of a folder.
///
/// # Errors
/// That there is none, or not one alone.
pub fn alone(found: Vec<Plugin>) -> Result<Plugin, String> {
    let names: Vec<String> = found.iter().map(|plugin| plugin.name.clone()).collect();
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(plugin), None) => Ok(plugin),
        (None, _) => {
            Err("spec.source.plugin: no plugin is found by the files of the folder (discovery by a command is \
                          not supported yet): say its name"
                .to_owned())
        }
        _ => {
            let names = names.join(", ");
            Err(format!(
                "spec.source.plugin: several plugins are found by the files of the folder, {names}: say a name"
            ))
        }
    }
}

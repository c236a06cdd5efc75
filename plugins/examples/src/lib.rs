//! What the examples have in common: their arguments, and files in the one directory that they may touch.

use std::path::{Path, PathBuf};

use serde_json::Value;
use sluice_plugin::Failure;

/// The value of an argument, as in `--directory DIR`.
pub fn argument(name: &str) -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1)
}

/// The directory that the program was given.
///
/// # Errors
/// It was given none.
pub fn directory() -> Result<PathBuf, String> {
    argument("--directory").map(PathBuf::from).ok_or_else(|| "--directory DIR is missing".to_owned())
}

/// The file that a configuration names in `file`. Whoever writes a Rollout must not reach other files with it.
///
/// # Errors
/// It names none, or one elsewhere.
pub fn file(directory: &Path, config: &Value) -> Result<PathBuf, Failure> {
    match config["file"].as_str() {
        Some(name) if !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0']) => {
            Ok(directory.join(name))
        }
        Some(name) => Err(Failure::InvalidConfig(format!("file {name:?} is not the plain name of a file"))),
        None => Err(Failure::InvalidConfig("file is required: the name of a file".to_owned())),
    }
}

//! Objects of a file that the command line names.

use std::path::Path;

use serde_json::Value;

use crate::lint::{document, read};
use crate::problem::Problem;

/// All objects that a file holds, or the standard input; the first that cannot be read is an error.
pub fn objects(path: &Path) -> Result<Vec<Value>, Problem> {
    let sources = read::sources(&[path.to_owned()]).map_err(|error| Problem::new(error.to_string()))?;
    let mut objects = Vec::new();
    for source in &sources {
        let (documents, findings) = document::read(source);
        if let Some(finding) = findings.first() {
            return Err(wrong(path, &finding.message));
        }
        objects.extend(documents.into_iter().map(|document| document.object));
    }
    Ok(objects)
}

/// What is wrong with a file.
pub fn wrong(path: &Path, why: &str) -> Problem {
    Problem::new(format!("{}: {why}", path.display()))
}

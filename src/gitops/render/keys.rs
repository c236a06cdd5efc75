//! What opens what is encrypted in Git: age identities, which Secrets of the controller's namespace hold.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::super::tree::File;
use super::sops::{self, Identities};

/// Identities that an Application may use.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    identities: Arc<Identities>,
    /// Secrets, and lines of them, that hold no identity.
    problems: Vec<String>,
}

impl Keys {
    /// Those of some texts, each with the name of where it is from.
    pub fn new(texts: impl Iterator<Item = (String, String)>) -> Keys {
        let (mut identities, mut problems) = (Identities::default(), Vec::new());
        for (from, text) in texts {
            problems.extend(identities.add(&text).err().map(|why| format!("{from}: {why}")));
        }
        Keys { identities: Arc::new(identities), problems }
    }

    /// The public halves: what is opened by others may be something else.
    pub fn recipients(&self) -> Vec<&str> {
        self.identities.recipients().collect()
    }

    /// The documents of a text in which something is encrypted; nothing where that is not so.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub fn open(&self, text: &str) -> Result<Option<Vec<Value>>, String> {
        // Nearly every file is told apart by this, without being read.
        if !text.contains("ENC[") || !text.contains("sops") {
            return Ok(None);
        }
        let documents = sluice_yaml::split(text).into_iter().filter_map(|part| sluice_yaml::read(part).ok());
        if !documents.into_iter().any(|located| sops::is_encrypted(&located.value)) {
            let is_other = text.lines().any(|line| line.starts_with("sops_mac=") || line.trim() == "[sops]");
            let why = "SOPS has encrypted it as a dotenv or INI file, and YAML, JSON and whole files are opened";
            return if is_other { Err(why.to_owned()) } else { Ok(None) };
        }
        sops::decrypt(text, &self.identities).map(Some).map_err(|error| {
            let error = std::iter::once(error.to_string());
            error.chain(self.problems.iter().cloned()).collect::<Vec<_>>().join("; ")
        })
    }

    /// A file as programs find it: opened, where something in it is encrypted. Whether that was so.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub fn file(&self, file: File) -> Result<(File, bool), String> {
        let Ok(text) = std::str::from_utf8(&file.content) else { return Ok((file, false)) };
        let opened = self.open(text).map_err(|why| format!("{}: {why}", file.path))?;
        let Some(documents) = opened else { return Ok((file, false)) };
        let content = match (documents.as_slice(), Path::new(&file.path).extension().and_then(|end| end.to_str())) {
            (documents, Some("yaml" | "yml" | "json")) => {
                documents.iter().map(Value::to_string).collect::<Vec<_>>().join("\n---\n")
            }
            // Anything else is text to SOPS, which has it under this key.
            ([document], _) if document["data"].is_string() => document["data"].as_str().unwrap_or_default().to_owned(),
            _ => return Err(format!("{}: what is encrypted in it is neither YAML nor one text", file.path)),
        };
        Ok((File { path: file.path, content: content.into_bytes() }, true))
    }
}

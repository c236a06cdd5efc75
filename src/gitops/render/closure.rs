//! The files of a repository that a render reads: its folder, and what that refers to. A commit that changes none of them renders to
//! the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use super::super::tree::{Entry, File};
use super::FILES;
use super::checkout::Checkout;
use super::keys::Keys;

/// Places that a render may refer to.
const MOST: usize = 500;

/// Files and folders of a commit, by their path from the root.
pub struct Closure<'a> {
    pub checkout: &'a Checkout<'a>,
    entries: BTreeMap<String, Entry>,
    /// Every path that was looked up, there or not.
    asked: BTreeSet<String>,
    /// Places to which symbolic links lead, and what is there.
    leads: BTreeMap<String, String>,
    /// Whether folders in its folders are read, too.
    recurse: bool,
}

/// Bytes that may still be written: all that one program is given has them together.
pub struct Budget(u64);

impl Default for Budget {
    fn default() -> Budget {
        Budget(FILES)
    }
}

impl Budget {
    fn spend(&mut self, path: &str, files: &[File]) -> Result<(), String> {
        let bytes = files.iter().map(|file| file.content.len() as u64).sum();
        let left = self.0.checked_sub(bytes);
        self.0 = left.ok_or_else(|| {
            format!("the files that it needs have more than {} MiB together, with those of {path:?}", FILES >> 20)
        })?;
        Ok(())
    }
}

impl<'a> Closure<'a> {
    /// Nothing of a commit yet.
    pub fn new(checkout: &'a Checkout<'a>) -> Closure<'a> {
        Closure { checkout, entries: BTreeMap::new(), asked: BTreeSet::new(), leads: BTreeMap::new(), recurse: true }
    }

    /// The same without the folders in its folders.
    pub fn flat(self) -> Closure<'a> {
        Closure { recurse: false, ..self }
    }

    /// Adds what is at a path, unless a folder has it already; whether that is new.
    ///
    /// # Errors
    /// If there is too much in it by now.
    pub async fn add(&mut self, path: &str) -> Result<Option<Entry>, String> {
        if self.entries.contains_key(path) {
            return Ok(None);
        }
        self.asked.insert(path.to_owned());
        let look = self.checkout.look(path, self.recurse).await?;
        self.asked.extend(look.leads.keys().cloned());
        self.leads.extend(look.leads);
        let Some(entry) = look.entry else { return Ok(None) };
        if !self.has(path) {
            self.entries.insert(path.to_owned(), entry.clone());
        }
        if self.entries.len() > MOST {
            return Err(format!("it refers to more than {MOST} places"));
        }
        Ok(Some(entry))
    }

    /// The paths on which a render depends: those that are not there may come.
    pub fn paths(&self) -> impl Iterator<Item = &String> {
        self.asked.iter()
    }

    /// Whether a path is in one of its folders.
    fn has(&self, path: &str) -> bool {
        let is_above =
            |folder: &str| folder.is_empty() || path.strip_prefix(folder).is_some_and(|it| it.starts_with('/'));
        self.entries.iter().any(|(known, entry)| entry.is_folder && is_above(known))
    }

    /// What it has, as text that is other where anything in it is.
    pub fn mark(&self) -> Vec<(String, String)> {
        let entries = self.entries.iter().map(|(path, entry)| (path.clone(), entry.id.to_string()));
        entries.chain(self.leads.iter().map(|(path, what)| (format!("-> {path}"), what.clone()))).collect()
    }

    /// Writes all files below a folder, opened where something in them is encrypted. Whether that was so.
    pub async fn write(&self, to: &Path, keys: &Keys, budget: &mut Budget) -> Result<bool, String> {
        let mut is_opened = false;
        for path in self.entries.keys() {
            if !is_plain(path) {
                return Err(format!("{path:?} leads out of its repository"));
            }
            let files = self.checkout.files(path, true, FILES, |_| true).await?;
            budget.spend(path, &files)?;
            let (at, keys, folder) = (to.join(path), keys.clone(), path.clone());
            let writing = tokio::task::spawn_blocking(move || {
                files.into_iter().try_fold(false, |is_opened, file| {
                    if !is_plain(&file.path) {
                        return Err(format!("{:?} leads out of its folder", file.path));
                    }
                    let at = if file.path.is_empty() { at.clone() } else { at.join(&file.path) };
                    let named = if file.path.is_empty() { folder.clone() } else { format!("{folder}/{}", file.path) };
                    let (file, is_new) = keys.file(File { path: named, content: file.content })?;
                    let folder = at.parent().map_or(Ok(()), std::fs::create_dir_all);
                    let written = folder.and_then(|()| std::fs::write(at, &file.content));
                    written.map_err(|error| format!("cannot write its files: {error}"))?;
                    Ok(is_opened || is_new)
                })
            });
            let written: Result<bool, String> =
                writing.await.map_err(|error| format!("writing its files broke off: {error}"))?;
            is_opened |= written?;
        }
        Ok(is_opened)
    }
}

/// Whether a path stays in the folder in which it is looked up.
pub fn is_plain(path: &str) -> bool {
    Path::new(path).components().all(|it| matches!(it, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_of_a_program_have_one_budget() {
        let file =
            |bytes: u64| vec![File { path: String::new(), content: vec![0; usize::try_from(bytes).expect("few")] }];
        let mut budget = Budget::default();
        budget.spend("a", &file(FILES / 2)).expect("half of it");
        budget.spend("b", &file(FILES / 2)).expect("the other half");
        let why = budget.spend("c", &file(1)).expect_err("nothing is left");
        assert_eq!(why, "the files that it needs have more than 100 MiB together, with those of \"c\"");
    }

    #[test]
    fn a_path_that_leads_out_is_none() {
        for (path, expected) in [
            ("repository/charts/web-1.0.0+a", true),
            ("", true),
            ("repository/charts/web-x/../../../etc", false),
            ("..", false),
            ("/etc", false),
        ] {
            assert_eq!(is_plain(path), expected, "{path}");
        }
    }
}

//! Looking at what Git, or a folder of this machine, says: in this process, with the rights of whoever asks.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;
use sluice::gitops::Programs;
use sluice::gitops::preview::{Local, Preview, Wish};
use sluice_core::api::Application;

use super::target::One;
use crate::problem::Problem;
use crate::view::app::words;

/// Which manifests are looked at.
#[derive(clap::Args, Debug)]
pub struct Look {
    /// Another revision than the Application's
    #[arg(long, value_name = "REVISION", conflicts_with_all = ["revisions", "local"])]
    revision: Option<String>,
    /// Another revision of one of several sources, one for each of --source-positions; may be repeated
    #[arg(
        long,
        value_name = "REVISION",
        value_delimiter = ',',
        requires = "source_positions",
        conflicts_with = "local"
    )]
    revisions: Vec<String>,
    #[command(flatten)]
    pub folder: Folder,
}

/// A folder of this machine, and what renders.
#[derive(clap::Args, Debug)]
pub struct Folder {
    /// Which of several sources is meant, from 1; may be repeated
    #[arg(long, value_name = "NUMBER", value_delimiter = ',')]
    source_positions: Vec<usize>,
    /// A folder of this machine, instead of the source's folder
    #[arg(long, value_name = "PATH")]
    local: Option<PathBuf>,
    /// With --local: the folder that stands for the repository, where manifests refer to files outside of their own
    #[arg(long, value_name = "PATH", requires = "local")]
    local_repo_root: Option<PathBuf>,
    /// The program that renders charts
    #[arg(long, value_name = "PROGRAM", default_value = "helm")]
    helm_program: String,
    /// The program that renders Kustomize's folders
    #[arg(long, value_name = "PROGRAM", default_value = "kustomize")]
    kustomize_program: String,
    /// A folder of files that describe render plugins, as the controller's --gitops-plugins
    #[arg(long, value_name = "FOLDER")]
    plugins: Option<PathBuf>,
}

impl Folder {
    /// Whether there is one.
    pub fn is_said(&self) -> bool {
        self.local.is_some()
    }

    /// That what there should be is not known.
    pub fn failed(&self, attempted: &str, one: &One<'_>, why: &str) -> Problem {
        let problem = Problem::new(format!("cannot {attempted} {}: {}", one.title(), words::line(why)));
        if self.local.is_none() || self.local_repo_root.is_some() {
            return problem;
        }
        problem.advise(
            "Nothing outside of the folder is read: --local-repo-root says which one stands for the repository.",
        )
    }

    /// What it renders to.
    pub async fn manifests(&self, one: &One<'_>, application: Application) -> Result<Vec<Value>, Problem> {
        let attempted = |why: String| Problem::new(format!("cannot render {}: {why}", one.title()));
        let wish = self.wish(BTreeMap::new(), application.spec.all_sources().len()).map_err(attempted)?;
        let preview = Preview::new(&one.client(), application, wish).await.map_err(attempted)?;
        let manifests = preview.manifests().await.map_err(|why| self.failed("render", one, &why))?;
        if manifests.is_empty() {
            return Err(attempted("there is nothing in the folder".to_owned()));
        }
        Ok(manifests)
    }

    /// The sources that are meant, of so many.
    fn places(&self, sources: usize) -> Result<Vec<usize>, String> {
        let place = |position: &usize| match position.checked_sub(1) {
            Some(place) if place < sources => Ok(place),
            _ => Err(format!("there is no source {position}: it has {sources}")),
        };
        self.source_positions.iter().map(place).collect()
    }

    /// What is wanted of an Application with so many sources.
    fn wish(&self, revisions: BTreeMap<usize, String>, sources: usize) -> Result<Wish, String> {
        let local = match (&self.local, self.places(sources)?.as_slice()) {
            (None, _) => None,
            (Some(folder), &[source]) => Some((folder, source)),
            (Some(folder), []) if sources < 2 => Some((folder, 0)),
            (Some(_), _) => {
                return Err(format!(
                    "it has {sources} sources: say with --source-positions which one of them --local stands for"
                ));
            }
        };
        let root = self.local_repo_root.clone();
        let local = local.map(|(folder, source)| Local { source, folder: folder.clone(), root });
        let programs = Programs {
            helm: self.helm_program.clone(),
            kustomize: self.kustomize_program.clone(),
            plugins: self.plugins.clone(),
        };
        Ok(Wish { revisions, local, programs, folder: cache() })
    }
}

impl Look {
    /// Whether anything was said about which.
    pub fn is_said(&self) -> bool {
        self.revision.is_some() || self.folder.is_said() || !self.folder.source_positions.is_empty()
    }

    /// Reads what the look needs.
    pub async fn open(&self, one: &One<'_>, application: Application) -> Result<Preview, Problem> {
        let attempted = |why: String| Problem::new(format!("cannot render {}: {why}", one.title()));
        let wish = self.wish(application.spec.all_sources().len()).map_err(attempted)?;
        Preview::new(&one.client(), application, wish).await.map_err(attempted)
    }

    fn wish(&self, sources: usize) -> Result<Wish, String> {
        let mut revisions = BTreeMap::new();
        if let Some(revision) = &self.revision {
            if sources > 1 {
                return Err(format!(
                    "--revision is for one source, and it has {sources}: say --revisions with --source-positions"
                ));
            }
            revisions.insert(0, revision.clone());
        }
        let places = self.folder.places(sources)?;
        if !self.folder.is_said() && places.len() != self.revisions.len() {
            let (given, meant) = (self.revisions.len(), places.len());
            return Err(format!("there are {given} --revisions, and {meant} --source-positions: each needs the other"));
        }
        revisions.extend(places.into_iter().zip(self.revisions.iter().cloned()));
        self.folder.wish(revisions, sources)
    }
}

/// The user's folder for what can be fetched again.
fn cache() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")));
    caches.map(|caches| caches.join("sluice"))
}

/// Tells what could not be looked at.
pub fn warn(preview: &Preview) {
    for what in preview.unknown() {
        eprintln!("Warning: {}", sluice_core::info::text::printable(&what));
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        look: Look,
    }

    fn wish(line: &str, sources: usize) -> Result<Wish, String> {
        let words = std::iter::once("diff").chain(line.split_whitespace());
        Line::try_parse_from(words).map_err(|error| error.to_string())?.look.wish(sources)
    }

    #[test]
    fn revisions_are_those_of_the_sources_that_are_said() {
        let revisions = |line, sources| wish(line, sources).expect(line).revisions.into_iter().collect::<Vec<_>>();
        assert_eq!(revisions("", 2), []);
        assert_eq!(revisions("--revision v2", 1), [(0, "v2".to_owned())]);
        let both = [(0, "v1".to_owned()), (1, "v2".to_owned())];
        assert_eq!(revisions("--revisions v2,v1 --source-positions 2 --source-positions 1", 2), both);
        for (line, sources, why) in [
            ("--revision v2", 2, "--revision is for one source, and it has 2"),
            ("--revisions v2", 1, "--source-positions"),
            ("--revisions v2 --source-positions 1,2", 2, "there are 1 --revisions, and 2 --source-positions"),
            ("--revisions v2 --source-positions 3", 2, "there is no source 3: it has 2"),
            ("--revisions v2 --source-positions 0", 2, "there is no source 0: it has 2"),
            ("--revision v2 --local .", 1, "cannot be used with"),
        ] {
            let refused = wish(line, sources).expect_err(line);
            assert!(refused.contains(why), "{line}: {refused}");
        }
    }

    #[test]
    fn a_folder_stands_for_one_source() {
        let place = |line, sources| wish(line, sources).map(|wish| wish.local.map(|local| local.source));
        assert_eq!(place("--local .", 1), Ok(Some(0)));
        assert_eq!(place("--local . --source-positions 2", 2), Ok(Some(1)));
        assert!(place("--local .", 2).expect_err("which").contains("say with --source-positions which one"));
        assert!(place("--local-repo-root .", 1).expect_err("what").contains("--local"));
    }
}

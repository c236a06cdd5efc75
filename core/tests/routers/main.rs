//! What each router makes of its objects: stories of a rollout, with the objects as they read after each chapter. A story is a file
//! in `tests/golden/routers`; `UPDATE=1` writes what the objects read now into it, to be looked at before it is committed.

mod apply;
mod story;

use std::path::PathBuf;

use serde_json::Value;
use sluice_core::gitops::owned::keep;
use story::{Kept, Story};

fn stories() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/routers");
    let mut found: Vec<_> =
        std::fs::read_dir(folder).expect("the stories").map(|entry| entry.expect("an entry").path()).collect();
    found.sort();
    found
}

#[test]
fn every_story_reads_as_it_is_told() {
    let mut wrong = Vec::new();
    for path in stories() {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let mut story = Story::read(&path);
        let told = story.tell();
        if std::env::var_os("UPDATE").is_some() {
            Story::write(&path, &told);
        } else if let Some(difference) = story.differs(&told) {
            wrong.push(format!("{name}: {difference}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_chapter_leaves_what_is_not_the_routers_as_it_was() {
    for path in stories() {
        let mut story = Story::read(&path);
        for outcome in story.tell() {
            for (first, now) in story.objects.iter().filter_map(|first| Some((first, same(first, &outcome.after)?))) {
                let name = format!("{}: {}", path.display(), first["metadata"]["name"]);
                assert_eq!(first["others"], now["others"], "{name}");
                for list in ["labels", "annotations"] {
                    for (key, value) in first["metadata"][list].as_object().into_iter().flatten() {
                        assert!(now["metadata"][list][key] == *value || story.owns(key), "{name}: {key}");
                    }
                }
            }
        }
    }
}

/// Whatever the routers have done, an apply of what Git said in the beginning leaves it, and takes up what Git says besides.
#[test]
fn what_git_says_keeps_the_routes_that_are_in_force() {
    let mut wrong = Vec::new();
    for path in stories() {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let mut story = Story::read(&path);
        let told = story.tell();
        for Kept { rollout, title, git, live, all } in told.iter().flat_map(|outcome| &outcome.kept) {
            let (mut manifest, mut expected) = (git.clone(), live.clone());
            manifest["others"] = "changed".into();
            expected["others"] = "changed".into();
            keep(&mut manifest, live, all, [rollout]);
            for object in [&mut manifest, &mut expected] {
                object["metadata"] = Value::Null;
                object["status"] = Value::Null;
            }
            if manifest != expected {
                let text = |it: &Value| serde_saphyr::to_string(it).expect("YAML");
                let difference =
                    similar::TextDiff::from_lines(&text(&expected), &text(&manifest)).unified_diff().to_string();
                wrong.push(format!("{name}: {title}: {}:\n{difference}", git["metadata"]["name"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{} wrong", wrong.join("\n"), wrong.len());
}

fn same<'a>(first: &Value, all: &'a [Value]) -> Option<&'a Value> {
    all.iter().find(|one| apply::is_same(first, one))
}

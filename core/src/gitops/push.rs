//! What the webhook of a Git platform tells: which repository has something new, and which Applications that concerns.

use serde::Deserialize;
use serde_json::Value;

use super::glob;
use super::path::within;
use super::range::{Range, Version};
use crate::api::{Application, ApplicationSource};

/// The annotation by which an Application says what it reads: paths with `;` between them, from its folder or, with a slash at the
/// beginning, from the root of the repository.
pub const PATHS: &str = "argocd.argoproj.io/manifest-generate-paths";
/// Commits that GitHub tells of at most: beyond that nobody knows what has changed.
const MOST_TOLD: usize = 2_048;

/// A platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// GitHub.
    GitHub,
    /// GitLab.
    GitLab,
    /// Gitea, and what it comes from.
    Gitea,
}

/// Something new in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The ways in which the repository is reached.
    pub urls: Vec<String>,
    /// What has moved, such as `refs/heads/main`.
    pub reference: String,
    /// The branch that `HEAD` stands for, where it was told.
    pub default_branch: Option<String>,
    /// The files that are other now; nothing where that is not known.
    pub changed: Option<Vec<String>>,
}

impl Platform {
    /// The key in the Secret `argocd-secret` of what its webhooks are signed with.
    pub fn key(self) -> &'static str {
        match self {
            Platform::GitHub => "webhook.github.secret",
            Platform::GitLab => "webhook.gitlab.secret",
            Platform::Gitea => "webhook.gogs.secret",
        }
    }

    /// Whether an event is a push of commits or tags.
    pub fn is_push(self, event: &str) -> bool {
        match self {
            Platform::GitHub | Platform::Gitea => event == "push",
            Platform::GitLab => ["Push Hook", "Tag Push Hook"].contains(&event),
        }
    }
}

/// The repository of a call: all that is read of one before it is known who has signed it.
#[derive(Debug, Default, Deserialize)]
pub struct Caller {
    #[serde(default)]
    repository: Option<Named>,
    #[serde(default)]
    project: Option<Named>,
}

/// How a platform names a repository.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    #[serde(rename = "clone_url")]
    clone: Option<String>,
    #[serde(rename = "ssh_url")]
    ssh: Option<String>,
    #[serde(rename = "html_url")]
    html: Option<String>,
    #[serde(rename = "git_http_url")]
    git_http: Option<String>,
    #[serde(rename = "git_ssh_url")]
    git_ssh: Option<String>,
    #[serde(rename = "web_url")]
    web: Option<String>,
}

impl Caller {
    /// The ways in which the repository is reached.
    pub fn urls(self, platform: Platform) -> Vec<String> {
        let named = match platform {
            Platform::GitHub | Platform::Gitea => self.repository,
            Platform::GitLab => self.project,
        };
        let Named { clone, ssh, html, git_http, git_ssh, web } = named.unwrap_or_default();
        let all = [clone, ssh, html, git_http, git_ssh, web];
        all.into_iter().flatten().filter(|url| !url.is_empty()).collect()
    }
}

impl Push {
    /// Reads what a platform has sent of a repository that is reached so.
    ///
    /// # Errors
    /// What it lacks.
    pub fn read(platform: Platform, urls: Vec<String>, body: &Value) -> Result<Push, String> {
        let repository = match platform {
            Platform::GitHub | Platform::Gitea => &body["repository"],
            Platform::GitLab => &body["project"],
        };
        let Some(reference) = text(&body["ref"]) else { return Err("it does not say what was pushed: ref".to_owned()) };
        Ok(Push {
            urls,
            reference: reference.to_owned(),
            default_branch: text(&repository["default_branch"]).map(str::to_owned),
            changed: changed(platform, body),
        })
    }

    /// Whether a repository is the one with something new.
    pub fn is_of(&self, url: &str) -> bool {
        self.urls.iter().any(|known| is_one_repository(known, url))
    }

    /// Whether an Application reads what is new. What it has read, source by source, makes that exact; where that is not known, all of
    /// the repository may be meant.
    pub fn concerns(&self, application: &Application, read: Option<&[Vec<String>]>) -> bool {
        let said = application.annotation(PATHS).filter(|paths| !paths.is_empty());
        application.spec.all_sources().iter().enumerate().any(|(index, source)| {
            let read = read.and_then(|read| read.get(index));
            let touches = |files: &Vec<String>| match (said, read) {
                (Some(paths), _) => files.iter().any(|file| is_said(paths, &source.path, file)),
                (None, Some(read)) => files.iter().any(|file| read.iter().any(|path| is_below(path, file))),
                (None, None) => true,
            };
            // What is pushed to Git is no chart.
            let is_git = source.chart.is_empty();
            is_git && self.is_of(&source.repo_url) && self.moves(source) && self.changed.as_ref().is_none_or(touches)
        })
    }

    /// Whether a source's revision may stand for something else now.
    fn moves(&self, source: &ApplicationSource) -> bool {
        let revision = source.target_revision.as_str();
        let short = self.reference.strip_prefix("refs/heads/").or_else(|| self.reference.strip_prefix("refs/tags/"));
        let short = short.unwrap_or(&self.reference);
        match revision {
            "" | "HEAD" => {
                self.reference.starts_with("refs/heads/")
                    && self.default_branch.as_deref().is_none_or(|branch| branch == short)
            }
            named if named == short || named == self.reference => true,
            range => {
                let tag =
                    self.reference.strip_prefix("refs/tags/").and_then(|tag| tag.strip_prefix(&source.tag_prefix));
                let in_range = |tag: &str| Some(Range::read(range)?.has(&Version::read(tag)?));
                tag.and_then(in_range).unwrap_or(false)
            }
        }
    }
}

/// The files that are other now, where the platform tells all of them.
fn changed(platform: Platform, body: &Value) -> Option<Vec<String>> {
    let commits = body["commits"].as_array().filter(|commits| !commits.is_empty())?;
    let is_new = |field: &str| text(&body[field]).is_some_and(|commit| commit.bytes().all(|c| c == b'0'));
    let told = match platform {
        Platform::GitHub => commits.len() < MOST_TOLD && body["forced"] == false && body["created"] == false,
        Platform::GitLab => body["total_commits_count"].as_u64() == Some(commits.len() as u64),
        Platform::Gitea => body["total_commits"].as_u64() == Some(commits.len() as u64),
    };
    // Of a branch that is new, or that has been put elsewhere, the commits say nothing of what was there before.
    if !told || is_new("before") {
        return None;
    }
    let lists = commits.iter().flat_map(|commit| ["added", "removed", "modified"].map(|list| &commit[list]));
    let mut files: Vec<String> =
        lists.flat_map(|list| list.as_array().into_iter().flatten()).filter_map(text).map(str::to_owned).collect();
    files.sort();
    files.dedup();
    Some(files)
}

fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

/// Whether a file is one of those that an Application names.
fn is_said(paths: &str, folder: &str, file: &str) -> bool {
    let mut paths = paths.split(';').map(str::trim).filter(|path| !path.is_empty());
    paths.any(|path| within(folder, path).is_some_and(|path| is_below(&path, file) || glob::matches(&path, file)))
}

fn is_below(folder: &str, file: &str) -> bool {
    folder.is_empty() || file.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether two URLs are of one repository, whatever the protocol, the user and the port are.
pub fn is_one_repository(one: &str, other: &str) -> bool {
    place(one) == place(other)
}

/// Host and path of a URL: what is left of it whatever the protocol, the user and the port are.
fn place(url: &str) -> (String, String) {
    let url = url.trim();
    let (authority, path) = if let Some((_, rest)) = url.split_once("://") {
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        (authority.rsplit_once('@').map_or(authority, |(_, host)| host).split(':').next().unwrap_or_default(), path)
    } else {
        // As `git@host:path`.
        url.split_once(':').unwrap_or(("", url))
    };
    let host = authority.rsplit('@').next().unwrap_or_default();
    let path = path.trim_matches('/').trim_end_matches(".git").trim_end_matches('/');
    (host.to_lowercase(), path.to_lowercase())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn github(more: &Value) -> Value {
        let mut body = json!({
            "ref": "refs/heads/main", "before": "c1", "forced": false, "created": false,
            "repository": {
                "clone_url": "https://github.example.com/team/shop.git", "ssh_url": "git@github.example.com:team/shop.git",
                "default_branch": "main",
            },
            "commits": [{ "added": ["web/new.yaml"], "modified": ["db/a.yaml"], "removed": [] }],
        });
        for (field, value) in more.as_object().into_iter().flatten() {
            body[field] = value.clone();
        }
        body
    }

    fn push(more: &Value) -> Push {
        read(Platform::GitHub, &github(more)).expect("a push")
    }

    fn read(platform: Platform, body: &Value) -> Result<Push, String> {
        let caller: Caller = serde_json::from_value(body.clone()).map_err(|error| error.to_string())?;
        Push::read(platform, caller.urls(platform), body)
    }

    fn application(source: &Value, annotation: Option<&str>) -> Application {
        let mut whole =
            json!({ "repoURL": "https://github.example.com/team/shop", "path": "web", "targetRevision": "main" });
        for (field, value) in source.as_object().into_iter().flatten() {
            whole[field] = value.clone();
        }
        let annotations = annotation.map(|paths| json!({ PATHS: paths }));
        let object = json!({
            "metadata": { "name": "web", "annotations": annotations }, "spec": { "source": whole, "destination": {} },
        });
        serde_json::from_value(object).expect("an Application")
    }

    #[test]
    fn a_repository_is_the_same_however_it_is_reached() {
        let push = push(&json!({}));
        for (url, expected) in [
            ("https://github.example.com/team/shop", true),
            ("https://user:token@GitHub.example.com:8443/Team/shop.git/", true),
            ("ssh://git@github.example.com:22/team/shop.git", true),
            ("git@github.example.com:team/shop", true),
            ("https://github.example.com/team/shop2", false),
            ("https://example.com/team/shop", false),
            ("", false),
        ] {
            assert_eq!(push.is_of(url), expected, "{url}");
        }
    }

    #[test]
    fn a_push_concerns_those_whose_revision_moves() {
        let tag = json!({ "ref": "refs/tags/v1.2.0" });
        let other = json!({ "ref": "refs/heads/feature/main" });
        for (revision, what, expected) in [
            ("main", json!({}), true),
            ("refs/heads/main", json!({}), true),
            ("", json!({}), true),
            ("HEAD", json!({}), true),
            ("other", json!({}), false),
            ("main", other.clone(), false),
            ("HEAD", other.clone(), false),
            ("feature/main", other, true),
            ("1.*", tag.clone(), true),
            ("2.*", tag.clone(), false),
            ("v1.2.0", tag.clone(), true),
            ("HEAD", tag, false),
            ("2f1d0c8a4b6e9d7c5a3f1e0b8d6c4a2f0e9d7c5b", json!({}), false),
        ] {
            let application = application(&json!({ "targetRevision": revision }), None);
            assert_eq!(push(&what).concerns(&application, None), expected, "{revision} {what}");
        }
    }

    #[test]
    fn a_push_says_nothing_of_charts() {
        let of_chart = application(&json!({ "chart": "web", "targetRevision": "main" }), None);
        assert!(!push(&json!({})).concerns(&of_chart, None));
    }

    #[test]
    fn a_push_concerns_those_who_read_what_has_changed() {
        let read = |paths: &[&str]| vec![paths.iter().map(|&path| path.to_owned()).collect::<Vec<_>>()];
        let all = json!({});
        for (said, read, what, expected) in [
            (None, None, &all, true),
            (None, Some(read(&["web"])), &all, true),
            (None, Some(read(&["webs", "db/b.yaml"])), &all, false),
            (None, Some(read(&["apps", "db/a.yaml"])), &all, true),
            (None, Some(read(&[""])), &all, true),
            (Some("."), None, &all, true),
            (Some("."), Some(read(&["elsewhere"])), &all, true),
            (Some("/cache;../db"), None, &all, true),
            (Some("/cache; ./sub"), None, &all, false),
            (Some("/*/a.yaml"), None, &all, true),
            (None, Some(read(&["elsewhere"])), &json!({ "forced": true }), true),
            (None, Some(read(&["elsewhere"])), &json!({ "commits": [] }), true),
            (None, Some(read(&["elsewhere"])), &json!({ "before": "0000" }), true),
        ] {
            let application = application(&json!({}), said);
            assert_eq!(push(what).concerns(&application, read.as_deref()), expected, "{said:?} {read:?} {what}");
        }
    }

    #[test]
    fn each_platform_says_it_in_its_own_way() {
        let commits = json!([{ "added": [], "modified": ["a.yaml"], "removed": ["b.yaml"] }]);
        let gitlab = json!({
            "ref": "refs/heads/main", "before": "c1", "commits": commits, "total_commits_count": 1,
            "project": { "git_http_url": "https://gitlab.example.com/team/shop.git", "default_branch": "main" },
        });
        let gitea = json!({
            "ref": "refs/heads/main", "before": "c1", "commits": commits, "total_commits": 1,
            "repository": { "clone_url": "https://gitea.example.com/team/shop.git", "default_branch": "main" },
        });
        let files = Some(vec!["a.yaml".to_owned(), "b.yaml".to_owned()]);
        for (platform, mut body, count) in
            [(Platform::GitLab, gitlab, "total_commits_count"), (Platform::Gitea, gitea, "total_commits")]
        {
            assert_eq!(read(platform, &body).expect("a push").changed, files, "{platform:?}");
            body[count] = json!(21);
            assert_eq!(read(platform, &body).expect("a push").changed, None, "{platform:?} told a part");
        }
        for body in [json!(null), json!({ "repository": 1 }), json!({ "repository": { "clone_url": "https://x/y" } })] {
            assert!(read(Platform::GitHub, &body).is_err(), "{body}");
        }
    }
}

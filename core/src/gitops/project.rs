//! AppProjects: which repositories, places and kinds the Applications of a project may have. The rules are Argo CD's.

use std::collections::BTreeSet;

use serde_json::Value;

use super::glob;
use super::key::Key;
use super::operation::{self, creates_namespace};
use super::orphans::Monitoring;
use super::unsupported::{HERE, HERE_BY_NAME};
use super::url::{is_crooked, shown};
use crate::api::{
    AppProjectSpec, Application, ApplicationDestination, ProjectDestination, ProjectKind, SyncOperationResult,
};

/// Fields that are acted on here, or that say nothing to Sluice.
const KNOWN: [&str; 10] = [
    "description",
    "sourceRepos",
    "sourceNamespaces",
    "destinations",
    "clusterResourceWhitelist",
    "clusterResourceBlacklist",
    "namespaceResourceWhitelist",
    "namespaceResourceBlacklist",
    "orphanedResources",
    // Who may do what in Argo CD's own server. Sluice has none: Kubernetes decides who may write an Application.
    "roles",
];

/// A project.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    name: String,
    spec: AppProjectSpec,
    /// What it says of objects that no Application has.
    orphans: Option<Monitoring>,
}

impl Project {
    /// A project that permits everything, as `default` does where nobody has made one.
    pub fn open(name: &str) -> Project {
        let any = || vec![ProjectKind { group: "*".to_owned(), kind: "*".to_owned(), name: String::new() }];
        let spec = AppProjectSpec {
            source_repos: vec!["*".to_owned()],
            destinations: vec![ProjectDestination {
                server: "*".to_owned(),
                name: String::new(),
                namespace: "*".to_owned(),
            }],
            cluster_resource_whitelist: any(),
            ..AppProjectSpec::default()
        };
        Project { name: name.to_owned(), spec, orphans: None }
    }

    /// A project, by the `spec` of its object.
    ///
    /// # Errors
    /// What it says that is not acted on yet, or that makes no sense: a rule that is not understood permits nothing.
    pub fn read(name: &str, spec: &Value) -> Result<Project, String> {
        let read: Result<AppProjectSpec, _> = serde_json::from_value(spec.clone());
        let read = read.map_err(|error| format!("AppProject {name} cannot be read: spec: {error}"))?;
        let fields = spec.as_object().into_iter().flatten();
        let beyond = fields.filter(|(field, value)| !KNOWN.contains(&field.as_str()) && !is_empty(value));
        let beyond: Vec<String> = beyond.map(|(field, _)| format!("spec.{field}")).collect();
        if !beyond.is_empty() {
            let fields = beyond.join(" and ");
            return Err(format!(
                "AppProject {name} restricts its Applications by {fields}, which is not supported yet"
            ));
        }
        let orphans = read.orphaned_resources.as_ref().map(Monitoring::read).transpose();
        let orphans =
            orphans.map_err(|why| format!("AppProject {name} cannot be read: spec.orphanedResources: {why}"))?;
        Ok(Project { name: name.to_owned(), spec: read, orphans })
    }

    /// What it says of objects that no Application has, where they are asked for.
    pub fn orphans(&self) -> Option<&Monitoring> {
        self.orphans.as_ref()
    }

    /// What an Application says that the project does not permit.
    pub fn problems(&self, application: &Application) -> Vec<String> {
        let spec = &application.spec;
        let name = &self.name;
        // A sync may have sources of its own.
        let asked = application.operation.as_ref().and_then(|operation| operation.sync.as_ref());
        let asked = asked.into_iter().flat_map(|sync| sync.source.iter().chain(&sync.sources));
        let kept = operation::pinned(application.status()).into_iter().flat_map(SyncOperationResult::all_sources);
        let all = spec.all_sources().iter().chain(asked).chain(kept);
        let urls = all.map(|source| source.repo_url.as_str()).collect::<BTreeSet<_>>().into_iter();
        let refused = urls.filter(|url| !self.permits_source(url));
        let mut problems: Vec<String> = refused
            .map(|url| format!("application repo {} is not permitted in project '{name}'", shown(url)))
            .collect();
        let to = &spec.destination;
        if !self.permits_place(to, &to.namespace) {
            let server = if to.server.is_empty() { &to.name } else { &to.server };
            problems.push(format!(
                "application destination server '{server}' and namespace '{}' do not match any of the allowed \
                 destinations in project '{name}'",
                to.namespace
            ));
        }
        problems
    }

    /// Whether an object is the business of an Application that goes there. An object outside of namespaces has no namespace in its
    /// key.
    ///
    /// # Errors
    /// Why it is not.
    pub fn permits(&self, key: &Key, to: &ApplicationDestination) -> Result<(), String> {
        let (group, kind, name) = (&key.group, &key.kind, &self.name);
        if !self.permits_kind(key) {
            return Err(format!("resource {group}:{kind} is not permitted in project {name}"));
        }
        if !key.namespace.is_empty() && !self.permits_place(to, &key.namespace) {
            return Err(format!("namespace {} is not permitted in project '{name}'", key.namespace));
        }
        Ok(())
    }

    /// Whether a sync of an Application makes its namespace.
    pub fn permits_namespace(&self, application: &Application) -> bool {
        let name = application.spec.destination.namespace.clone();
        let key = Key { kind: "Namespace".to_owned(), name, ..Key::default() };
        creates_namespace(application) && self.permits(&key, &application.spec.destination).is_ok()
    }

    /// Whether manifests, or charts, may come from a repository. Nothing comes from one whose URL leads elsewhere than it seems to.
    pub fn permits_source(&self, url: &str) -> bool {
        if is_crooked(url) {
            return false;
        }
        // A registry is the same with and without its scheme.
        let bare = |url: &str| plain(url.strip_prefix("oci://").unwrap_or(url));
        let is_meant = |pattern: &str| {
            pattern == "*" || glob::matches(&plain(pattern), &plain(url)) || glob::matches(&bare(pattern), &bare(url))
        };
        let (mut denied, mut allowed) = (false, false);
        for rule in &self.spec.source_repos {
            match rule.strip_prefix('!') {
                Some(pattern) => denied |= is_meant(pattern),
                None => allowed |= is_meant(rule),
            }
        }
        allowed && !denied
    }

    /// Whether objects may go to a namespace there. A rule that forbids something does so whatever others allow.
    fn permits_place(&self, to: &ApplicationDestination, namespace: &str) -> bool {
        let mut is_allowed = false;
        // This cluster has both, whichever the Application says.
        let is_here = to.server == HERE || to.name == HERE_BY_NAME;
        let (to_server, to_name) = if is_here { (HERE, HERE_BY_NAME) } else { (to.server.as_str(), to.name.as_str()) };
        for rule in &self.spec.destinations {
            // What is not said is neither here nor there.
            let cluster = |pattern: &str, value: &str| match (pattern, value) {
                ("", _) | (_, "") => Fit::No,
                (pattern, value) => fits(pattern, value),
            };
            let (server, name) = (cluster(&rule.server, to_server), cluster(&rule.name, to_name));
            let at = fits(&rule.namespace, namespace);
            let fits_cluster = server == Fit::Yes || name == Fit::Yes;
            is_allowed |= fits_cluster && at == Fit::Yes;
            if (server == Fit::Forbidden || name == Fit::Forbidden) && at == Fit::Yes
                || at == Fit::Forbidden && fits_cluster
            {
                return false;
            }
        }
        is_allowed
    }

    fn permits_kind(&self, key: &Key) -> bool {
        let spec = &self.spec;
        let has = |list: &[ProjectKind]| list.iter().any(|rule| is_kind(rule, key));
        if key.namespace.is_empty() {
            return has(&spec.cluster_resource_whitelist) && !has(&spec.cluster_resource_blacklist);
        }
        spec.namespace_resource_whitelist.as_deref().is_none_or(has) && !has(&spec.namespace_resource_blacklist)
    }
}

/// How a value stands to a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    Yes,
    No,
    /// The pattern is of what is not allowed, and this is it.
    Forbidden,
}

fn fits(pattern: &str, value: &str) -> Fit {
    // Slashes mean nothing here.
    let is_meant = |pattern: &str| glob::matches(&pattern.replace('*', "**"), value);
    match pattern.strip_prefix('!') {
        Some(pattern) if is_meant(pattern) => Fit::Forbidden,
        Some(_) => Fit::Yes,
        None if is_meant(pattern) => Fit::Yes,
        None => Fit::No,
    }
}

fn is_kind(rule: &ProjectKind, key: &Key) -> bool {
    glob::matches(&rule.group, &key.group)
        && glob::matches(&rule.kind, &key.kind)
        && (rule.name.is_empty() || glob::matches(&rule.name, &key.name))
}

/// A URL as it is compared: the same repository, however it is written.
fn plain(url: &str) -> String {
    let url = url.trim();
    let scp = url.split_once(':').filter(|(host, _)| !url.contains("://") && !host.contains('/'));
    let url =
        scp.map_or_else(|| url.to_owned(), |(host, path)| format!("ssh://{host}/{}", path.trim_start_matches('/')));
    url.trim().trim_end_matches('/').trim_end_matches(".git").to_lowercase()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn project(spec: &Value) -> Project {
        Project::read("team", spec).expect("a project")
    }

    fn to(namespace: &str) -> ApplicationDestination {
        ApplicationDestination { server: HERE.to_owned(), namespace: namespace.to_owned(), name: String::new() }
    }

    #[test]
    fn a_repository_has_to_be_allowed_and_not_forbidden() {
        let cases = [
            (json!([]), "https://git.example.com/team/web", false),
            (json!(["*"]), "https://git.example.com/team/web", true),
            (json!(["*", "!https://git.example.com/secret/*"]), "https://git.example.com/secret/web.git", false),
            (json!(["*", "!https://git.example.com/secret/*"]), "https://git.example.com/team/web", true),
            (json!(["https://git.example.com/team/*"]), "https://GIT.example.com/team/web.git", true),
            (json!(["https://git.example.com/team/*"]), "https://git.example.com/team/web/more", false),
            (json!(["https://git.example.com/team/**"]), "https://git.example.com/team/web/more", true),
            (json!(["https://git.example.com/team/web.git"]), "https://git.example.com/team/web/", true),
            (json!(["*", "!git@git.example.com:secret/*"]), "ssh://git@git.example.com/secret/web", false),
            (json!(["ssh://git@git.example.com/team/*"]), "git@git.example.com:team/web.git", true),
            (json!(["https://git.example.com/team/**"]), "https://git.example.com/team/../secret", false),
            (json!(["*"]), "https://git.example.com/team/%2e%2e/secret", false),
            (json!(["registry.example.com:5000/team"]), "oci://registry.example.com:5000/team", true),
            (json!(["*", "!oci://registry.example.com/secret"]), "registry.example.com/secret", false),
        ];
        for (rules, url, expected) in cases {
            let project = project(&json!({ "sourceRepos": rules }));
            assert_eq!(project.permits_source(url), expected, "{rules} {url}");
        }
    }

    #[test]
    fn a_place_has_to_be_allowed_and_not_forbidden() {
        let everywhere = json!({ "server": "*", "namespace": "*" });
        let cases = [
            (json!([]), "shop", false),
            (json!([everywhere]), "shop", true),
            (json!([everywhere]), "", true),
            (json!([{ "server": "*", "namespace": "shop" }]), "", false),
            (json!([{ "server": HERE, "namespace": "shop" }]), "shop", true),
            (json!([{ "server": HERE, "namespace": "shop-*" }]), "shop", false),
            (json!([{ "server": "https://other", "namespace": "*" }]), "shop", false),
            (json!([{ "name": "in-cluster", "namespace": "*" }]), "shop", true),
            (json!([{ "name": "other", "namespace": "*" }]), "shop", false),
            (json!([everywhere, { "name": "!in-cluster", "namespace": "*" }]), "shop", false),
            (json!([{ "server": "*", "namespace": "!kube-system" }]), "shop", true),
            (json!([{ "server": "*", "namespace": "!kube-system" }]), "kube-system", false),
            (json!([everywhere, { "server": "*", "namespace": "!kube-system" }]), "kube-system", false),
            (json!([everywhere, { "server": format!("!{HERE}"), "namespace": "*" }]), "shop", false),
            (json!([everywhere, { "server": format!("!{HERE}"), "namespace": "kube-*" }]), "shop", true),
        ];
        for (rules, namespace, expected) in cases {
            let project = project(&json!({ "destinations": rules }));
            assert_eq!(project.permits_place(&to(namespace), namespace), expected, "{rules} {namespace}");
            let by_name = ApplicationDestination {
                name: HERE_BY_NAME.to_owned(),
                namespace: namespace.to_owned(),
                ..ApplicationDestination::default()
            };
            assert_eq!(project.permits_place(&by_name, namespace), expected, "{rules} {namespace}, by name");
        }
    }

    #[test]
    fn kinds_outside_of_namespaces_have_to_be_allowed_and_those_inside_not_forbidden() {
        let rule = |group: &str, kind: &str| json!([{ "group": group, "kind": kind }]);
        let cases = [
            (json!({}), ("", "Namespace", ""), false),
            (json!({ "clusterResourceWhitelist": rule("*", "*") }), ("", "Namespace", ""), true),
            (
                json!({ "clusterResourceWhitelist": [{ "group": "", "kind": "Namespace", "name": "team-*" }] }),
                ("", "Namespace", ""),
                false,
            ),
            (
                json!({ "clusterResourceWhitelist": rule("*", "*"), "clusterResourceBlacklist": rule("", "Namespace") }),
                ("", "Namespace", ""),
                false,
            ),
            (json!({}), ("apps", "Deployment", "shop"), true),
            (json!({ "namespaceResourceWhitelist": [] }), ("apps", "Deployment", "shop"), false),
            (json!({ "namespaceResourceWhitelist": rule("apps", "*") }), ("apps", "Deployment", "shop"), true),
            (json!({ "namespaceResourceWhitelist": rule("apps", "*") }), ("", "Secret", "shop"), false),
            (json!({ "namespaceResourceBlacklist": rule("", "Secret") }), ("", "Secret", "shop"), false),
            (json!({}), ("apps", "Deployment", "kube-system"), false),
        ];
        for (mut spec, (group, kind, namespace), expected) in cases {
            spec["destinations"] = json!([{ "server": "*", "namespace": "shop" }]);
            let (group, kind, namespace) = (group.to_owned(), kind.to_owned(), namespace.to_owned());
            let key = Key { group, kind, namespace, name: "web".to_owned() };
            assert_eq!(project(&spec).permits(&key, &to("shop")).is_ok(), expected, "{spec} {key}");
        }
    }

    #[test]
    fn a_project_that_says_more_than_is_understood_permits_nothing() {
        for (field, value) in [
            ("syncWindows", json!([{ "kind": "deny" }])),
            ("orphanedResources", json!({ "hide": true })),
            ("signatureKeys", json!([{ "keyID": "1" }])),
            ("permitOnlyProjectScopedClusters", json!(true)),
            ("destinationServiceAccounts", json!([{ "server": "*" }])),
            ("hurry", json!(1)),
            ("sourceRepos", json!("*")),
        ] {
            let read = Project::read("team", &json!({ field: value }));
            assert!(read.is_err_and(|why| why.contains("AppProject team")), "{field}");
        }
        let quiet = json!({ "syncWindows": [], "permitOnlyProjectScopedClusters": false, "roles": [{ "name": "x" }] });
        assert!(Project::read("team", &quiet).is_ok_and(|project| project.orphans().is_none()));
        let asks = Project::read("team", &json!({ "orphanedResources": {} }));
        assert!(asks.is_ok_and(|project| project.orphans().is_some()), "an empty object asks for something");
    }

    #[test]
    fn an_application_is_told_what_its_project_does_not_permit() {
        let application: Application = serde_json::from_value(json!({
            "metadata": { "name": "web" },
            "spec": {
                "project": "team",
                "source": { "repoURL": "https://git.example.com/other" },
                "destination": { "server": HERE, "namespace": "shop" },
            },
        }))
        .expect("an Application");
        assert_eq!(Project::open("default").problems(&application), Vec::<String>::new());
        assert_eq!(
            project(&json!({})).problems(&application),
            [
                "application repo https://git.example.com/other is not permitted in project 'team'".to_owned(),
                format!(
                    "application destination server '{HERE}' and namespace 'shop' do not match any of the allowed \
                     destinations in project 'team'"
                ),
            ]
        );
    }
}

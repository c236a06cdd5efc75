//! The build environment: what an Application may write as `$ARGOCD_APP_NAME` and the like in what it says to Helm, Kustomize and
//! plugins.

use std::collections::BTreeMap;

use super::chart::Cluster;
use crate::api::{Application, ApplicationSource};

/// The commit, whole and in short. Whatever names it renders to something else with every commit.
pub const REVISIONS: [&str; 3] = ["ARGOCD_APP_REVISION", "ARGOCD_APP_REVISION_SHORT", "ARGOCD_APP_REVISION_SHORT_8"];

/// Variables, and what they stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<&'static str, String>);

impl Environment {
    /// That of a source of an Application in a commit.
    pub fn of(application: &Application, source: &ApplicationSource, commit: &str, cluster: &Cluster) -> Environment {
        let short = |length: usize| commit.get(..length).unwrap_or(commit).to_owned();
        let [whole, seven, eight] = REVISIONS;
        Environment(BTreeMap::from([
            ("ARGOCD_APP_NAME", application.metadata.name.clone().unwrap_or_default()),
            ("ARGOCD_APP_NAMESPACE", application.spec.destination.namespace.clone()),
            ("ARGOCD_APP_PROJECT_NAME", application.spec.project().to_owned()),
            (whole, commit.to_owned()),
            (seven, short(7)),
            (eight, short(8)),
            ("ARGOCD_APP_SOURCE_PATH", source.path.clone()),
            ("ARGOCD_APP_SOURCE_REPO_URL", source.repo_url.clone()),
            ("ARGOCD_APP_SOURCE_TARGET_REVISION", source.target_revision.clone()),
            ("KUBE_VERSION", cluster.version.clone()),
            ("KUBE_API_VERSIONS", cluster.apis.join(",")),
        ]))
    }

    /// All of it, by name.
    pub fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// A text with `$NAME` and `${NAME}` as what they stand for. What is none of these becomes nothing, and `$$` a dollar, as with
    /// Argo CD; a dollar before anything else is one.
    pub fn expand(&self, text: &str) -> String {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            expanded.push_str(&rest[..at]);
            let (means, length) = self.variable(&rest[at + 1..]);
            expanded.push_str(means);
            rest = &rest[at + 1 + length..];
        }
        expanded + rest
    }

    /// What a text behind a dollar begins with: what it stands for, and how long it is.
    fn variable(&self, text: &str) -> (&str, usize) {
        let value = |name: &str| self.0.get(name).map_or("", String::as_str);
        match text.bytes().next() {
            Some(b'$') => ("$", 1),
            Some(b'{') => match text.find('}') {
                Some(end) if &text[1..end] == "$" => ("$", end + 1),
                Some(end) => (value(&text[1..end]), end + 1),
                // A brace that is never closed goes.
                None => ("", 1),
            },
            // To a shell these are names of one letter.
            Some(b'*' | b'#' | b'@' | b'!' | b'?' | b'-' | b'0'..=b'9') => ("", 1),
            _ => match text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count() {
                0 => ("$", 0),
                length => (value(&text[..length]), length),
            },
        }
    }

    /// A source with the variables that Argo CD knows there as what they stand for.
    pub fn source(&self, source: &ApplicationSource) -> ApplicationSource {
        let mut source = source.clone();
        for text in texts(&mut source) {
            *text = self.expand(text);
        }
        for file in source.helm.iter_mut().flat_map(|helm| &mut helm.value_files) {
            *file = self.file(file);
        }
        for single in source.helm.iter_mut().flat_map(|helm| &mut helm.file_parameters) {
            single.path = self.file(&single.path);
        }
        source
    }

    /// A file that is named: that of another source begins with its name.
    fn file(&self, named: &str) -> String {
        let begin = named.strip_prefix('$').and_then(|rest| rest.split('/').next());
        match begin.filter(|name| !name.is_empty() && !name.contains(['$', '{']) && !self.0.contains_key(name)) {
            Some(name) => format!("${name}{}", self.expand(&named[name.len() + 1..])),
            None => self.expand(named),
        }
    }
}

/// Whether a source says anything in which a variable may stand.
pub fn is_used(source: &ApplicationSource) -> bool {
    let mut source = source.clone();
    let files = source.helm.iter().flat_map(|helm| {
        helm.value_files.iter().chain(helm.file_parameters.iter().map(|single| &single.path)).cloned()
    });
    let files: Vec<String> = files.collect();
    files.iter().any(|file| file.contains('$')) || texts(&mut source).iter().any(|text| text.contains('$'))
}

/// The texts in which variables stand, but for names of files.
fn texts(source: &mut ApplicationSource) -> Vec<&mut String> {
    let mut texts: Vec<&mut String> = Vec::new();
    texts.extend(source.helm.iter_mut().flat_map(|helm| &mut helm.parameters).map(|parameter| &mut parameter.value));
    if let Some(kustomize) = &mut source.kustomize {
        texts.extend(&mut kustomize.images);
        if kustomize.common_annotations_envsubst {
            texts.extend(kustomize.common_annotations.values_mut());
        }
    }
    texts.extend(source.plugin.iter_mut().flat_map(|plugin| &mut plugin.env).map(|variable| &mut variable.value));
    texts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn environment() -> Environment {
        let application = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": { "name": "web" },
            "spec": { "project": "", "source": source(), "destination": { "namespace": "shop" } },
        });
        let application: Application = serde_json::from_value(application).expect("an Application");
        let cluster = Cluster { version: "1.37".to_owned(), apis: vec!["v1".to_owned(), "apps/v1".to_owned()] };
        Environment::of(&application, &source(), COMMIT, &cluster)
    }

    fn source() -> ApplicationSource {
        let source = json!({ "repoURL": "https://example.com/web", "path": "app", "targetRevision": "main" });
        serde_json::from_value(source).expect("a source")
    }

    #[test]
    fn variables_are_what_they_stand_for() {
        let environment = environment();
        for (text, expected) in [
            ("$ARGOCD_APP_NAME", "web"),
            ("a-${ARGOCD_APP_NAME}-b", "a-web-b"),
            ("$ARGOCD_APP_NAME-b", "web-b"),
            ("$ARGOCD_APP_NAMESPACE/$ARGOCD_APP_PROJECT_NAME", "shop/default"),
            ("$ARGOCD_APP_REVISION", COMMIT),
            ("$ARGOCD_APP_REVISION_SHORT ${ARGOCD_APP_REVISION_SHORT_8}", "0123456 01234567"),
            ("$ARGOCD_APP_SOURCE_REPO_URL@$ARGOCD_APP_SOURCE_TARGET_REVISION", "https://example.com/web@main"),
            ("$ARGOCD_APP_SOURCE_PATH", "app"),
            ("$KUBE_VERSION $KUBE_API_VERSIONS", "1.37 v1,apps/v1"),
            ("nothing", "nothing"),
            ("", ""),
            ("$$ARGOCD_APP_NAME", "$ARGOCD_APP_NAME"),
            ("a$$b", "a$b"),
            ("${$}", "$"),
            ("$OTHER.", "."),
            ("${OTHER}.", "."),
            ("$1.50", ".50"),
            ("100 $", "100 $"),
            ("$ 1", "$ 1"),
            ("$ä", "$ä"),
            ("${ä}", ""),
            ("${}x", "x"),
            ("${ARGOCD_APP_NAME", "ARGOCD_APP_NAME"),
            ("$é$ARGOCD_APP_NAME", "$éweb"),
        ] {
            assert_eq!(environment.expand(text), expected, "{text}");
        }
    }

    #[test]
    fn they_stand_where_argo_cd_knows_them() {
        let mut said = source();
        let more = json!({
            "helm": {
                "releaseName": "$ARGOCD_APP_NAME", "values": "a: $ARGOCD_APP_NAME",
                "parameters": [{ "name": "$x", "value": "$ARGOCD_APP_NAME" }],
                "valueFiles": ["envs/$ARGOCD_APP_NAME.yaml", "$values/$ARGOCD_APP_NAMESPACE.yaml", "$ARGOCD_APP_NAME/a.yaml", "$ref"],
                "fileParameters": [{ "name": "a", "path": "$values/$ARGOCD_APP_NAME" }],
            },
            "kustomize": { "images": ["web:$ARGOCD_APP_REVISION_SHORT"], "commonAnnotations": { "a": "$ARGOCD_APP_NAME" } },
            "plugin": { "env": [{ "name": "A", "value": "$ARGOCD_APP_NAME" }] },
        });
        said.helm = serde_json::from_value(more["helm"].clone()).expect("helm");
        said.kustomize = serde_json::from_value(more["kustomize"].clone()).expect("kustomize");
        said.plugin = serde_json::from_value(more["plugin"].clone()).expect("a plugin");
        assert!(is_used(&said) && !is_used(&source()));
        let expanded = environment().source(&said);
        let helm = expanded.helm.expect("helm");
        assert_eq!((helm.release_name.as_str(), helm.values.as_str()), ("$ARGOCD_APP_NAME", "a: $ARGOCD_APP_NAME"));
        assert_eq!((helm.parameters[0].name.as_str(), helm.parameters[0].value.as_str()), ("$x", "web"));
        assert_eq!(helm.value_files, ["envs/web.yaml", "$values/shop.yaml", "web/a.yaml", "$ref"]);
        assert_eq!(helm.file_parameters[0].path, "$values/web");
        let kustomize = expanded.kustomize.expect("kustomize");
        assert_eq!(kustomize.images, ["web:0123456"]);
        assert_eq!(kustomize.common_annotations["a"], "$ARGOCD_APP_NAME");
        assert_eq!(expanded.plugin.expect("a plugin").env[0].value, "web");
        if let Some(kustomize) = &mut said.kustomize {
            kustomize.common_annotations_envsubst = true;
        }
        assert_eq!(environment().source(&said).kustomize.expect("kustomize").common_annotations["a"], "web");
    }
}

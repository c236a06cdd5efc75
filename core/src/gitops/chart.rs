//! How a chart is rendered: what `helm template` is called with.

use serde_json::Value;

use super::path::within;
use crate::api::{HelmFileParameter, SourceHelm};

/// The cluster as a chart is told of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cluster {
    /// The version of Kubernetes.
    pub version: String,
    /// Its APIs, as `apps/v1` and `apps/v1/Deployment`.
    pub apis: Vec<String>,
}

/// A file with values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueFile {
    /// Where it is, from the root of its repository.
    pub path: String,
    /// The source in whose repository it is, by its `ref`, if not the chart's own.
    pub source: Option<String>,
    /// What the Application calls it.
    pub named: String,
}

/// The files with values, for a chart in this folder: a path that begins with a slash is one from the root of the repository.
///
/// # Errors
/// The first one that is no file of the repository.
pub fn value_files(helm: &SourceHelm, folder: &str) -> Result<Vec<ValueFile>, String> {
    helm.value_files.iter().map(|named| file("valueFiles", named, folder)).collect()
}

/// The files with single values, for a chart in this folder, by the names of the values.
///
/// # Errors
/// The first one that is no file of a repository.
pub fn file_parameters(helm: &SourceHelm, folder: &str) -> Result<Vec<(String, ValueFile)>, String> {
    let single = |it: &HelmFileParameter| {
        // What Helm takes for another value could name any file.
        if it.name.contains([',', '=', '\\']) {
            return Err(format!("spec.source.helm.fileParameters: {:?} is no name of one value", it.name));
        }
        Ok((it.name.clone(), file("fileParameters", &it.path, folder)?))
    };
    helm.file_parameters.iter().map(single).collect()
}

/// A file that an Application names: `$name/path` is one of the source with that `ref`.
fn file(field: &str, named: &str, folder: &str) -> Result<ValueFile, String> {
    let wrong = |why: &str| format!("spec.source.helm.{field}: {named}: {why}");
    if named.contains("://") {
        return Err(wrong("files of the web are not read: name their repository as a source with a ref"));
    }
    let (source, path) = match named.strip_prefix('$') {
        Some(rest) => {
            let (source, path) = rest.split_once('/').unwrap_or((rest, ""));
            (Some(source.to_owned()), within("", path).filter(|path| !path.is_empty()))
        }
        None => (None, within(folder, named)),
    };
    let path = path.ok_or_else(|| wrong("it is outside of the repository"))?;
    // The folder is part of it, and whoever commits names that.
    if path.contains([',', '"', '\\', '=']) {
        return Err(wrong("Helm takes that for several files"));
    }
    Ok(ValueFile { path, source, named: named.to_owned() })
}

/// The values that an Application has itself: `valuesObject`, or else `values`.
pub fn values(helm: &SourceHelm) -> Option<String> {
    let object = helm.values_object.as_ref().filter(|object| **object != Value::Null);
    let text = object.map_or_else(|| helm.values.clone(), ToString::to_string);
    Some(text).filter(|text| !text.trim().is_empty())
}

/// The folders that a chart needs beside its own: those that one of its files names as `file://`, from the root of the repository. Charts
/// that are in its folder `charts` already are taken from there: what was packed still names where they came from.
///
/// # Errors
/// The first one that is no folder of the repository.
pub fn needs(chart: &Value, folder: &str, is_there: impl Fn(&str) -> bool) -> Result<Vec<String>, String> {
    let dependencies = chart["dependencies"].as_array().into_iter().flatten();
    let wanted = dependencies.filter(|dependency| !is_there(dependency["name"].as_str().unwrap_or_default()));
    let places = wanted.filter_map(|dependency| dependency["repository"].as_str()?.strip_prefix("file://"));
    // To Helm a slash at the beginning is the root of the machine.
    let inside = |named: &str| within(folder, named).filter(|_| !named.starts_with('/'));
    places.map(|named| inside(named).ok_or_else(|| format!("the chart {named} is outside of the repository"))).collect()
}

/// What `helm template` is called with, for the chart in its working folder. The files are those that are there, the last one the
/// Application's own values; the singles are files with one value each, by its name.
pub fn arguments(
    helm: &SourceHelm,
    application: &str,
    namespace: &str,
    files: &[String],
    singles: &[(String, String)],
    cluster: &Cluster,
) -> Vec<String> {
    let release = if helm.release_name.is_empty() { application } else { &helm.release_name };
    let namespace = if helm.namespace.is_empty() { namespace } else { &helm.namespace };
    let mut arguments: Vec<String> =
        ["template", ".", "--name-template", release, "--namespace", namespace].map(str::to_owned).to_vec();
    let mut add = |flag: &str, value: &str| arguments.extend([flag.to_owned(), value.to_owned()]);
    let version = if helm.kube_version.is_empty() { &cluster.version } else { &helm.kube_version };
    if !version.is_empty() {
        add("--kube-version", version);
    }
    for file in files {
        add("--values", file);
    }
    for parameter in &helm.parameters {
        let flag = if parameter.force_string { "--set-string" } else { "--set" };
        add(flag, &format!("{}={}", parameter.name, escaped(&parameter.value)));
    }
    for (name, path) in singles {
        add("--set-file", &format!("{name}={}", escaped(path)));
    }
    let apis = if helm.api_versions.is_empty() { &cluster.apis } else { &helm.api_versions };
    for api in apis {
        add("--api-versions", api);
    }
    let flags = [
        ("--include-crds", !helm.skip_crds),
        ("--skip-tests", helm.skip_tests),
        ("--skip-schema-validation", helm.skip_schema_validation),
    ];
    arguments.extend(flags.into_iter().filter(|(_, is_set)| *is_set).map(|(flag, _)| flag.to_owned()));
    arguments
}

/// A value as `--set` takes it: a comma would begin the next one, unless it is escaped already, or is one of a list in braces.
fn escaped(value: &str) -> String {
    // This is a list.
    if value.starts_with('{') && value.ends_with('}') {
        return value.to_owned();
    }
    let mut escaped = String::with_capacity(value.len());
    let mut before = ' ';
    for letter in value.chars() {
        if letter == ',' && before != '\\' {
            escaped.push('\\');
        }
        escaped.push(letter);
        before = letter;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn helm(value: &Value) -> SourceHelm {
        serde_json::from_value(value.clone()).expect("options")
    }

    #[test]
    fn a_chart_is_rendered_as_argo_cd_does() {
        let cluster = Cluster { version: "1.37".to_owned(), apis: vec!["apps/v1".to_owned()] };
        let plain = arguments(&SourceHelm::default(), "shop", "default", &[], &[], &cluster);
        assert_eq!(
            plain.join(" "),
            "template . --name-template shop --namespace default --kube-version 1.37 --api-versions apps/v1 --include-crds"
        );
        let options = helm(&json!({
            "releaseName": "web", "namespace": "other", "kubeVersion": "1.30", "apiVersions": ["a/v1"], "skipCrds": true,
            "skipTests": true, "skipSchemaValidation": true,
            "parameters": [{ "name": "a", "value": "1,2" }, { "name": "l", "value": "{1,2}" }, { "name": "b", "value": "x\\,y", "forceString": true }],
            "fileParameters": [{ "name": "c", "path": "c.txt" }],
        }));
        let files = ["values.yaml".to_owned(), "/tmp/own.yaml".to_owned()];
        let singles = file_parameters(&options, "charts/web").expect("a file of the repository");
        let singles: Vec<_> = singles.into_iter().map(|(name, file)| (name, file.path)).collect();
        assert_eq!(
            arguments(&options, "shop", "default", &files, &singles, &cluster).join(" "),
            "template . --name-template web --namespace other --kube-version 1.30 --values values.yaml --values /tmp/own.yaml \
             --set a=1\\,2 --set l={1,2} --set-string b=x\\,y --set-file c=charts/web/c.txt --api-versions a/v1 --skip-tests --skip-schema-validation"
        );
    }

    #[test]
    fn files_with_values_are_in_the_repository() {
        let path = |named: &str| value_files(&helm(&json!({ "valueFiles": [named] })), "charts/web");
        for (named, expected) in [
            ("values.yaml", "charts/web/values.yaml"),
            ("../common.yaml", "charts/common.yaml"),
            ("/envs/eu.yaml", "envs/eu.yaml"),
            ("./a//b.yaml", "charts/web/a/b.yaml"),
        ] {
            assert_eq!(path(named).expect("a file")[0].path, expected, "{named}");
        }
        let of_other = path("$values/envs/eu.yaml").expect("a file").remove(0);
        assert_eq!((of_other.source.as_deref(), of_other.path.as_str()), (Some("values"), "envs/eu.yaml"));
        for named in
            ["../../../etc/passwd", "https://example.com/values.yaml", "$values", "$values/../../x", "x,/etc/passwd"]
        {
            assert!(path(named).is_err(), "{named}");
        }
        let nasty = value_files(&helm(&json!({ "valueFiles": ["tmp/secret.yaml"] })), "x,");
        assert!(nasty.is_err(), "a folder with a comma in its name");
        let double = json!({ "fileParameters": [{ "name": "a=/var/run/secrets/token,b", "path": "ok.txt" }] });
        assert!(file_parameters(&helm(&double), "charts/web").is_err());
        let single = json!({ "fileParameters": [{ "name": "token", "path": "../../../var/run/secrets/token" }] });
        assert!(file_parameters(&helm(&single), "charts/web").is_err());
    }

    #[test]
    fn an_object_of_values_is_preferred() {
        assert_eq!(values(&helm(&json!({ "values": "a: 1" }))), Some("a: 1".to_owned()));
        assert_eq!(
            values(&helm(&json!({ "values": "a: 1", "valuesObject": { "a": 2 } }))),
            Some("{\"a\":2}".to_owned())
        );
        assert_eq!(values(&helm(&json!({}))), None);
    }

    #[test]
    fn charts_of_the_same_repository_are_needed() {
        let chart = json!({ "dependencies": [
            { "name": "a", "repository": "file://../a" }, { "name": "b", "repository": "https://example.com" }, {},
        ] });
        assert_eq!(needs(&chart, "charts/web", |_| false), Ok(vec!["charts/a".to_owned()]));
        for place in ["file:///etc", "file://../../../etc"] {
            let chart = json!({ "dependencies": [{ "name": "a", "repository": place }] });
            assert!(needs(&chart, "charts/web", |_| false).is_err(), "{place}");
            assert_eq!(needs(&chart, "", |name| name == "a"), Ok(Vec::new()), "{place}");
        }
    }
}

//! The charts that a chart needs: what its `Chart.yaml`, or `requirements.yaml` of old, says, and which of them have to come from
//! elsewhere.

use serde_json::Value;

use super::range::{Range, Version};

/// The file of a chart of old that names what it needs, and the one that pins it.
pub const REQUIREMENTS: [&str; 2] = ["requirements.yaml", "requirements.lock"];
/// The file of a chart that says what it is and needs, and the one that pins that.
pub const CHART: [&str; 2] = ["Chart.yaml", "Chart.lock"];
/// Charts that one chart may need.
const MOST: usize = 100;

/// A chart that another one needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// Its version, or a range.
    pub version: String,
    /// Where it is: a URL, or `@name` of a repository.
    pub repository: String,
}

/// Where a chart's repository is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Here.
    Url(&'a str),
    /// Where the Secret of a repository with this name says.
    Named(&'a str),
}

impl Dependency {
    /// Where its repository is; nothing where it is in `charts/`, or in a folder beside.
    pub fn place(&self) -> Option<Place<'_>> {
        let repository = self.repository.as_str();
        let named = repository.strip_prefix('@').or_else(|| repository.strip_prefix("alias:"));
        match named {
            Some(name) => Some(Place::Named(name)),
            None if repository.is_empty() || repository.starts_with("file://") => None,
            None => Some(Place::Url(repository)),
        }
    }

    /// The version that a lock pins, if it is one that is asked for.
    pub fn locked(&self, lock: &Value) -> Option<String> {
        let all = lock["dependencies"].as_array().into_iter().flatten().filter_map(dependency);
        let mut own = all.filter(|it| it.name == self.name && it.repository == self.repository);
        own.find(|it| is_asked_for(&self.version, &it.version)).map(|it| it.version)
    }
}

/// Whether a version is the one that is asked for, or in the range that is.
fn is_asked_for(asked: &str, version: &str) -> bool {
    let Some(read) = Version::read(version) else { return asked == version };
    match Range::read(asked) {
        Some(range) => range.has(&read),
        None => asked.is_empty() || asked == version || Version::read(asked).is_some_and(|asked| asked == read),
    }
}

/// What a chart needs, as one of its files says.
///
/// # Errors
/// Why that cannot be followed.
pub fn dependencies(file: &Value) -> Result<Vec<Dependency>, String> {
    let all: Vec<Dependency> = file["dependencies"].as_array().into_iter().flatten().filter_map(dependency).collect();
    if all.len() > MOST {
        return Err(format!("the chart needs {} others, and {MOST} are the most", all.len()));
    }
    match all.iter().find(|it| !is_name(&it.name)) {
        Some(it) => Err(format!("dependencies: {:?} is no name of a chart", it.name)),
        None => Ok(all),
    }
}

fn dependency(value: &Value) -> Option<Dependency> {
    let text = |field: &str| match &value[field] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let name = value["name"].as_str()?.to_owned();
    Some(Dependency { name, version: text("version"), repository: text("repository") })
}

/// Whether a name is one of a chart, and of a folder: it becomes both.
fn is_name(name: &str) -> bool {
    !name.starts_with('.') && !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c))
}

/// Whether a file in the folder `charts/` is this chart, in any version.
pub fn is_archive_of(file: &str, name: &str) -> bool {
    let version = file.strip_prefix(name).and_then(|rest| rest.strip_prefix('-')?.strip_suffix(".tgz"));
    version.is_some_and(|version| Version::read(version).is_some())
}

/// A chart's file in which all that has come from elsewhere is said to be in `charts/`, so that Helm does not look for it.
pub fn as_come(file: &mut Value) {
    for dependency in file["dependencies"].as_array_mut().into_iter().flatten() {
        let is_elsewhere = self::dependency(dependency).is_some_and(|it| it.place().is_some());
        if is_elsewhere {
            dependency["repository"] = Value::String(String::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(version: &str, repository: &str) -> Dependency {
        Dependency { name: "web".to_owned(), version: version.to_owned(), repository: repository.to_owned() }
    }

    #[test]
    fn a_chart_comes_from_where_its_repository_is() {
        for (repository, expected) in [
            ("https://charts.example.com", Some(Place::Url("https://charts.example.com"))),
            ("oci://registry.example.com/charts", Some(Place::Url("oci://registry.example.com/charts"))),
            ("@shop", Some(Place::Named("shop"))),
            ("alias:shop", Some(Place::Named("shop"))),
            ("file://../web", None),
            ("", None),
        ] {
            assert_eq!(one("1", repository).place(), expected, "{repository}");
        }
    }

    #[test]
    fn a_lock_counts_where_it_is_of_what_is_asked_for() {
        let lock = json!({ "dependencies": [
            { "name": "web", "repository": "@other", "version": "1.0.0" },
            { "name": "web", "repository": "@shop", "version": "1.2.3" },
            { "name": "web", "repository": "@shop", "version": "2.0.0" },
        ] });
        for (version, expected) in [
            ("^1", Some("1.2.3")),
            ("2.0.0", Some("2.0.0")),
            ("v2.0", Some("2.0.0")),
            ("3.x", None),
            ("", Some("1.2.3")),
        ] {
            assert_eq!(one(version, "@shop").locked(&lock).as_deref(), expected, "{version}");
        }
        assert_eq!(one("^1", "@shop").locked(&json!(null)), None);
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_none() {
        for name in ["../web", "", ".", "a/b", "a b", "..", "-x\n"] {
            let file = json!({ "dependencies": [{ "name": name, "repository": "@shop" }] });
            assert!(dependencies(&file).is_err(), "{name:?}");
        }
        let file = json!({ "dependencies": [{ "name": "web", "version": 1.5, "repository": "@shop" }, {}, 1] });
        assert_eq!(dependencies(&file), Ok(vec![one("1.5", "@shop")]));
        assert!(dependencies(&json!({ "dependencies": vec![json!({ "name": "web" }); 101] })).is_err());
    }

    #[test]
    fn an_archive_is_known_by_its_name() {
        for (file, expected) in [
            ("web-1.2.3.tgz", true),
            ("web-v1.2.3-rc.1.tgz", true),
            ("web-app-1.2.3.tgz", false),
            ("web.tgz", false),
            ("web-1.2.3.zip", false),
        ] {
            assert_eq!(is_archive_of(file, "web"), expected, "{file}");
        }
    }

    #[test]
    fn what_has_come_is_not_looked_for() {
        let mut file = json!({ "name": "shop", "dependencies": [
            { "name": "a", "repository": "@shop" }, { "name": "b", "repository": "file://../b" }, { "name": "c" },
        ] });
        as_come(&mut file);
        let places: Vec<_> =
            file["dependencies"].as_array().expect("a list").iter().map(|it| &it["repository"]).collect();
        assert_eq!(places, [&json!(""), &json!("file://../b"), &Value::Null]);
    }
}

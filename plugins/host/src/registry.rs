//! Which plugins there are to be: the data of the ConfigMap `argo-rollouts-config`, as Argo Rollouts has it.

use std::collections::BTreeMap;

use serde::Deserialize;
use sluice_plugin::Kind;

use crate::location::Location;

/// The keys of the ConfigMap, with the kinds that they list.
pub const KEYS: [(&str, Kind); 3] = [
    ("trafficRouterPlugins", Kind::TrafficRouter),
    ("metricProviderPlugins", Kind::MetricProvider),
    ("stepPlugins", Kind::Step),
];

/// A plugin that is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub location: Location,
    /// Checksum of the program, in lower-case hexadecimal.
    pub sha256: Option<String>,
    /// Arguments of the program.
    pub args: Vec<String>,
    /// Whether it is switched off.
    pub disabled: bool,
}

/// What the ConfigMap says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registry {
    /// Its plugins, or what is wrong with their entries.
    pub plugins: BTreeMap<(Kind, String), Result<Entry, String>>,
    /// What cannot be read as a list of plugins: plugins of these kinds stay as they are.
    pub unreadable: BTreeMap<Kind, String>,
    /// Entries that have no name, and so make no plugin absent that anyone could ask for.
    pub nameless: Vec<String>,
}

/// An entry as it is written.
#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[derive(Default)]
struct Written {
    name: String,
    location: String,
    sha256: String,
    args: Option<Vec<String>>,
    disabled: bool,
}

impl Registry {
    /// Reads the data of the ConfigMap; without one, there are no plugins. Those in `built_in` are the controller's own, and left
    /// out: a ConfigMap that lists them was written for Argo Rollouts.
    pub fn read(data: &BTreeMap<String, String>, built_in: &[(Kind, &str)]) -> Registry {
        let mut registry = Registry::default();
        for (key, kind) in KEYS {
            let text = data.get(key).map_or("", |text| text.trim());
            if text.is_empty() {
                continue;
            }
            match serde_saphyr::from_str::<Option<Vec<serde_json::Value>>>(text) {
                Ok(entries) => {
                    for (index, entry) in entries.into_iter().flatten().enumerate() {
                        registry.add(kind, &format!("{key}[{index}]"), entry, built_in);
                    }
                }
                Err(error) => {
                    registry.unreadable.insert(kind, format!("cannot read {key} as a list of plugins: {error}"));
                }
            }
        }
        registry
    }

    fn add(&mut self, kind: Kind, place: &str, entry: serde_json::Value, built_in: &[(Kind, &str)]) {
        let name = entry["name"].as_str().unwrap_or_default().to_owned();
        if built_in.contains(&(kind, name.as_str())) {
            return;
        }
        let read = serde_json::from_value::<Written>(entry).map_err(|error| error.to_string());
        if !is_name(&name) {
            self.nameless.push(format!("{place}: name {name:?} is not of the form namespace/name"));
            return;
        }
        let entry = read.and_then(Written::checked).map_err(|why| format!("{place}: {why}"));
        self.plugins
            .entry((kind, name))
            // Which of two was meant nobody can say.
            .and_modify(|first| *first = Err(format!("{place}: another entry has the same name")))
            .or_insert(entry);
    }
}

impl Written {
    fn checked(self) -> Result<Entry, String> {
        let location = Location::parse(&self.location)?;
        let args = self.args.unwrap_or_default();
        let sha256 = self.sha256.trim().to_ascii_lowercase();
        let is_socket = !matches!(location, Location::Program(_));
        if is_socket && (!sha256.is_empty() || !args.is_empty()) {
            return Err(format!("sha256 and args are for programs, and {location} is a socket"));
        }
        if !sha256.is_empty() && (sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            return Err(format!("sha256 {:?} is not 64 hexadecimal digits", self.sha256));
        }
        if args.iter().any(|arg| arg.contains('\0')) {
            return Err("args contain a NUL character".to_owned());
        }
        let sha256 = (!sha256.is_empty()).then_some(sha256);
        Ok(Entry { location, sha256, args, disabled: self.disabled })
    }
}

/// `namespace/name`, of letters, digits and what else names have.
fn is_name(name: &str) -> bool {
    const LONGEST: usize = 253;
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    name.len() <= LONGEST && name.split_once('/').is_some_and(|(namespace, name)| is_part(namespace) && is_part(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(key: &str, text: &str) -> Registry {
        Registry::read(&BTreeMap::from([(key.to_owned(), text.to_owned())]), &[(Kind::TrafficRouter, "own/router")])
    }

    fn step(registry: &Registry, name: &str) -> Result<Entry, String> {
        registry.plugins.get(&(Kind::Step, name.to_owned())).expect("an entry").clone()
    }

    #[test]
    fn a_config_map_of_argo_rollouts_is_understood() {
        let text = r#"
- name: "example/step"
  location: "file:///plugins/step"
  sha256: 3F0C1B0E6AD6F0A1C0F3A3C1C4D5A4F5F5D9F3B7F0B8F2A6A9C6B1D8E7F60514
  args: ["-v", "2"]
  headersFrom: [{secretRef: {name: token}}]
- name: example/off
  location: unix:///run/off.sock
  disabled: true
"#;
        let registry = read("stepPlugins", text);
        let sha256 = "3f0c1b0e6ad6f0a1c0f3a3c1c4d5a4f5f5d9f3b7f0b8f2a6a9c6b1d8e7f60514";
        let expected = Entry {
            location: Location::Program("/plugins/step".into()),
            sha256: Some(sha256.to_owned()),
            args: vec!["-v".into(), "2".into()],
            disabled: false,
        };
        assert_eq!(step(&registry, "example/step"), Ok(expected));
        assert!(step(&registry, "example/off").expect("an entry").disabled);
        assert_eq!(registry.plugins.len(), 2);
        assert!(registry.unreadable.is_empty() && registry.nameless.is_empty());
    }

    #[test]
    fn nothing_is_no_plugins() {
        for text in ["", "\n  \n", "[]", "null", "# none yet"] {
            assert_eq!(read("trafficRouterPlugins", text), Registry::default(), "{text:?}");
        }
        assert_eq!(Registry::read(&BTreeMap::new(), &[]), Registry::default());
    }

    #[test]
    fn a_wrong_entry_makes_only_its_own_plugin_absent() {
        let text = r"
- {name: a/web, location: 'https://example.com/a'}
- {name: a/sum, location: /a, sha256: abc}
- {name: a/socket, location: 'unix:///a', args: [x]}
- {name: a/type, location: /a, args: 7}
- {name: a/lacking}
- {name: a/twice, location: /a}
- {name: a/twice, location: /b}
- {name: noslash, location: /a}
- {location: /a}
- 7
- {name: a/good, location: /a}
";
        let registry = read("stepPlugins", text);
        for (name, why) in [
            ("a/web", "stepPlugins[0]: location \"https://example.com/a\": plugins are not downloaded"),
            ("a/sum", "stepPlugins[1]: sha256 \"abc\" is not 64 hexadecimal digits"),
            ("a/socket", "stepPlugins[2]: sha256 and args are for programs, and unix:///a is a socket"),
            ("a/type", "stepPlugins[3]: invalid type: integer `7`, expected a sequence"),
            ("a/lacking", "stepPlugins[4]: location \"\" is neither a URL nor an absolute path"),
            ("a/twice", "stepPlugins[6]: another entry has the same name"),
        ] {
            let error = step(&registry, name).expect_err(name);
            assert!(error.starts_with(why), "{error}");
        }
        assert!(step(&registry, "a/good").is_ok());
        assert_eq!(registry.nameless.len(), 3, "{:?}", registry.nameless);
        assert_eq!(registry.nameless[0], "stepPlugins[7]: name \"noslash\" is not of the form namespace/name");
    }

    #[test]
    fn what_is_no_list_leaves_the_plugins_of_its_kind_alone() {
        for text in ["{name: a/b}", "a: [", "text", "- a\n  b: {"] {
            let registry = read("metricProviderPlugins", text);
            let why = registry.unreadable.get(&Kind::MetricProvider).expect(text);
            assert!(why.starts_with("cannot read metricProviderPlugins as a list of plugins: "), "{why}");
            assert!(registry.plugins.is_empty());
        }
    }

    #[test]
    fn what_the_controller_does_itself_is_left_out() {
        let entry = "[{name: own/router, location: 'https://example.com/a', sha256: ''}]";
        assert_eq!(read("trafficRouterPlugins", entry), Registry::default());
        assert_eq!(read("stepPlugins", entry).plugins.len(), 1, "a step of the same name is another plugin");
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let level = |level: usize| format!("- &a{level} [{}]", [format!("*a{}", level - 1).as_str(); 10].join(", "));
        let text = ["- &a0 [x, x, x]".to_owned()].into_iter().chain((1..12).map(level)).collect::<Vec<_>>().join("\n");
        assert!(read("stepPlugins", &text).unreadable.contains_key(&Kind::Step));
    }
}

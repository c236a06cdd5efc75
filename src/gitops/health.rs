//! The rules of health that people have written, compiled once for each change of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt as _;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::Event;
use serde_json::Value;
use sluice_core::gitops::health::Rules;
use sluice_core::gitops::health::custom::CONFIG_MAP;

use super::watched::is_filled;

/// The rules, and what they were made of.
pub struct Health {
    home: String,
    configs: Store<ConfigMap>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    data: BTreeMap<String, String>,
    rules: Arc<Rules>,
}

impl Health {
    /// The rules of the controller's namespace.
    pub fn new(home: &str, configs: Store<ConfigMap>) -> Health {
        Health { home: home.to_owned(), configs, known: Mutex::default() }
    }

    /// The rules as they are now.
    ///
    /// # Errors
    /// That nobody knows at the moment: without them an object could pass for healthy that is not.
    pub async fn rules(&self) -> Result<Arc<Rules>, String> {
        if !is_filled(&self.configs).await {
            return Err(format!("the ConfigMaps of namespace {} cannot be listed", self.home));
        }
        let at = ObjectRef::new(CONFIG_MAP).within(&self.home);
        let data = self.configs.get(&at).and_then(|it| it.data.clone()).unwrap_or_default();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let data: BTreeMap<_, _> = data.into_iter().filter(|(key, _)| Rules::are_in(key)).collect();
        if known.data != data {
            let rules = Rules::read(&data, &read);
            for problem in rules.problems() {
                tracing::warn!(problem, "a health rule is not used");
            }
            *known = Known { data, rules: Arc::new(rules) };
        }
        Ok(Arc::clone(&known.rules))
    }
}

/// Whether an event may mean other rules.
pub fn concerns(event: &Event<ConfigMap>) -> bool {
    match event {
        Event::Apply(it) | Event::Delete(it) => it.name_any() == CONFIG_MAP,
        Event::InitDone => true,
        Event::Init | Event::InitApply(_) => false,
    }
}

fn read(text: &str) -> Result<Value, String> {
    match sluice_yaml::split(text).as_slice() {
        [] => Ok(Value::Null),
        [part] => sluice_yaml::read(*part).map(|read| read.value).map_err(|error| error.why),
        _ => Err("there are several documents".to_owned()),
    }
}

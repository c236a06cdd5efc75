//! Where the commands go, in words for a person who is about to confirm one.

use kube::config::Kubeconfig;

use crate::connection::Connection;

/// The name of the context in use; without one, the address or what else stands for it.
pub fn context(connection: &Connection) -> String {
    let read = match &connection.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let current = read.ok().and_then(|config| config.current_context).filter(|name| !name.is_empty());
    let name = connection.context.clone().or(current);
    let place = match (name, &connection.server) {
        (Some(name), _) => name,
        (None, Some(_)) => "none".to_owned(),
        (None, None) => "in the cluster".to_owned(),
    };
    // These go over what the context says.
    let over = [("cluster", &connection.cluster), ("server", &connection.server), ("as", &connection.as_user)];
    let over = over.into_iter().filter_map(|(flag, value)| Some(format!(" ({flag} {})", value.as_ref()?)));
    place + &over.collect::<String>()
}

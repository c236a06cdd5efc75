//! Traffic: where a request goes by the objects that routers read.
//!
//! One file a kind of object turns it into [`table::Site`]s, and the [`table::Table`] of them all decides about a request; both are
//! pure. [`endpoints`] finds the pods behind the Service. So a gateway, an ingress controller and a mesh are one table here: where
//! several name a host equally well, an `HTTPRoute` goes before a VirtualService, and that before an Ingress.

pub mod alb;
pub mod condition;
pub mod destination_rule;
pub mod endpoints;
pub mod gateway;
pub mod host;
pub mod http_route;
pub mod ingress;
pub mod kinds;
pub mod nginx;
pub mod objects;
pub mod request;
pub mod table;
pub mod virtual_service;

use std::collections::BTreeMap;

use self::destination_rule::service;
use self::objects::Objects;
use self::request::Request;
use self::table::{Destination, Port, Table};

/// The table of all objects.
pub fn table(objects: &Objects) -> Table {
    let mut sites = http_route::sites(objects);
    sites.extend(virtual_service::sites(objects));
    sites.extend(ingress::sites(objects));
    Table::new(sites)
}

/// The Service that a request asks for by its name, as within a cluster: `web` in the namespace `default`, or `web.shop`.
pub fn by_name(objects: &Objects, request: &Request) -> Option<Destination> {
    let (namespace, name) = service(&request.host, "default")?;
    objects.get("Service", namespace, name)?;
    Some(Destination {
        namespace: namespace.to_owned(),
        service: name.to_owned(),
        port: Port::Only,
        labels: BTreeMap::new(),
    })
}

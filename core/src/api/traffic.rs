//! Traffic routers: which of a cluster's routing objects carry the weights.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{null, raw};

/// The routers that carry the weights; several may be set at once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrafficRouting {
    /// Istio `VirtualServices` and `DestinationRules`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub istio: Option<IstioTrafficRouting>,
    /// Ingresses of ingress-nginx.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nginx: Option<NginxTrafficRouting>,
    /// Ingresses of the AWS load balancer controller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alb: Option<AlbTrafficRouting>,
    /// `TrafficSplits` of the Service Mesh Interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smi: Option<SmiTrafficRouting>,
    /// Mappings of Ambassador.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ambassador: Option<AmbassadorTrafficRouting>,
    /// Virtual routers of AWS App Mesh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_mesh: Option<AppMeshTrafficRouting>,
    /// `TraefikServices`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traefik: Option<TraefikTrafficRouting>,
    /// Routes that the controller makes, in the order of their precedence.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub managed_routes: Vec<ManagedRoute>,
    /// `ApisixRoutes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apisix: Option<ApisixTrafficRouting>,
    /// Routers by the names of their plugins, with their own configuration.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "raw::any_map")]
    pub plugins: BTreeMap<String, Value>,
    /// Routes of the Gateway API. An addition of Sluice; Argo Rollouts has them as a plugin, which is understood too.
    #[serde(rename = "gatewayAPI", default, skip_serializing_if = "Option::is_none")]
    pub gateway_api: Option<GatewayApiTrafficRouting>,
    /// What all weights add up to; 100 when absent. Only nginx, the Gateway API and plugins support another value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_traffic_weight: Option<i32>,
    /// Seconds after which a data plane that nobody can ask is believed to do what its objects say. An addition of Sluice; when
    /// absent, nothing is believed of it, and pods stay for their scale-down delays. Routers that can ask do not need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub propagation_delay_seconds: Option<i32>,
}

/// A route that the controller makes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManagedRoute {
    /// Its name.
    pub name: String,
}

/// Istio's objects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IstioTrafficRouting {
    /// The VirtualService.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_service: Option<IstioVirtualService>,
    /// The DestinationRule whose subsets are the destinations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_rule: Option<IstioDestinationRule>,
    /// Several `VirtualServices`, instead of one.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub virtual_services: Vec<IstioVirtualService>,
    /// Keeps clients on the version that they got first, in HTTP routes. An addition of Sluice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_affinity: Option<SessionAffinity>,
}

/// A VirtualService and the routes in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IstioVirtualService {
    /// Its name, or `name.namespace`.
    pub name: String,
    /// Names of its HTTP routes; the only one when absent.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<String>,
    /// Its TLS routes.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub tls_routes: Vec<TlsRoute>,
    /// Its TCP routes.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub tcp_routes: Vec<TcpRoute>,
}

/// A TLS route, found by port or host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TlsRoute {
    /// Port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<i64>,
    /// Host names.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub sni_hosts: Vec<String>,
}

/// A TCP route, found by port.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TcpRoute {
    /// Port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<i64>,
}

/// A DestinationRule and its subsets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IstioDestinationRule {
    /// Its name.
    pub name: String,
    /// Subset of the new revision.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub canary_subset_name: String,
    /// Subset of the stable revision.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub stable_subset_name: String,
    /// Subsets that the controller leaves alone.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub additional_subset_names: Vec<String>,
}

/// Ingresses of ingress-nginx.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NginxTrafficRouting {
    /// Prefix of the annotations; `nginx.ingress.kubernetes.io` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotation_prefix: Option<String>,
    /// The Ingress that routes to the stable Service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stable_ingress: Option<String>,
    /// Annotations for the canary Ingress; the prefix is added where it is missing.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub additional_ingress_annotations: BTreeMap<String, String>,
    /// Several Ingresses, instead of one.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub stable_ingresses: Vec<String>,
    /// Annotations for the canary Ingress, as they are.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub canary_ingress_annotations: BTreeMap<String, String>,
}

/// Ingresses of the AWS load balancer controller.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlbTrafficRouting {
    /// The Ingress.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub ingress: String,
    /// Port of the Services.
    pub service_port: i32,
    /// The Service that the Ingress names as its action; the stable Service when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_service: Option<String>,
    /// Prefix of the annotations; `alb.ingress.kubernetes.io` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotation_prefix: Option<String>,
    /// Keeps clients on one target group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stickiness_config: Option<StickinessConfig>,
    /// Several Ingresses, instead of one.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub ingresses: Vec<String>,
}

/// Keeps clients on one target group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StickinessConfig {
    /// Whether it does.
    pub enabled: bool,
    /// For how long, 1 to 604800 seconds.
    pub duration_seconds: i64,
}

/// A `TrafficSplit` of the Service Mesh Interface.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SmiTrafficRouting {
    /// The Service that clients use; the stable Service when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_service: Option<String>,
    /// Name of the `TrafficSplit`; that of the Rollout when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic_split_name: Option<String>,
}

/// Mappings of Ambassador.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AmbassadorTrafficRouting {
    /// Names of the Mappings.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub mappings: Vec<String>,
}

/// Objects of AWS App Mesh.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppMeshTrafficRouting {
    /// The virtual service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_service: Option<AppMeshVirtualService>,
    /// The virtual nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_node_group: Option<AppMeshVirtualNodeGroup>,
}

/// A virtual service and its routes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppMeshVirtualService {
    /// Its name.
    pub name: String,
    /// Names of routes of its virtual router; those that lead to both virtual nodes when absent.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<String>,
}

/// The virtual nodes of both revisions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppMeshVirtualNodeGroup {
    /// The new revision's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary_virtual_node_ref: Option<AppMeshVirtualNodeReference>,
    /// The stable revision's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stable_virtual_node_ref: Option<AppMeshVirtualNodeReference>,
}

/// A virtual node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppMeshVirtualNodeReference {
    /// Its name.
    pub name: String,
}

/// A weighted `TraefikService`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraefikTrafficRouting {
    /// Its name.
    pub weighted_traefik_service_name: String,
}

/// An `ApisixRoute`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApisixTrafficRouting {
    /// The route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<ApisixRoute>,
}

/// An `ApisixRoute` and its rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApisixRoute {
    /// Its name.
    pub name: String,
    /// Names of its rules; those that lead to both Services when absent.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
}

/// The name under which Argo Rollouts knows its plugin for the Gateway API.
pub const GATEWAY_API_PLUGIN: &str = "argoproj-labs/gatewayAPI";

/// Routes of the Gateway API. The fields are those of the plugin `argoproj-labs/gatewayAPI`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayApiTrafficRouting {
    /// Name of an `HTTPRoute`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_route: Option<String>,
    /// Name of a `GRPCRoute`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grpc_route: Option<String>,
    /// Name of a `TCPRoute`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_route: Option<String>,
    /// Name of a `TLSRoute`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_route: Option<String>,
    /// Several `HTTPRoutes`.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub http_routes: Vec<GatewayApiRoute>,
    /// Several `GRPCRoutes`.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub grpc_routes: Vec<GatewayApiRoute>,
    /// Several `TCPRoutes`.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub tcp_routes: Vec<GatewayApiRoute>,
    /// Several `TLSRoutes`.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub tls_routes: Vec<GatewayApiRoute>,
    /// `HTTPRoutes` by their labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_route_selector: Option<LabelSelector>,
    /// `GRPCRoutes` by their labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grpc_route_selector: Option<LabelSelector>,
    /// `TCPRoutes` by their labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_route_selector: Option<LabelSelector>,
    /// `TLSRoutes` by their labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_route_selector: Option<LabelSelector>,
    /// Their namespace; the Rollout's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Leaves the label away that a route has while the canary gets requests.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "std::ops::Not::not")]
    pub disable_in_progress_label: bool,
    /// Its key; `rollouts.argoproj.io/gatewayapi-canary` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_progress_label_key: Option<String>,
    /// Its value; `in-progress` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_progress_label_value: Option<String>,
    /// Keeps clients on the version that they got first, in `HTTPRoutes`. An addition of Sluice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_affinity: Option<SessionAffinity>,
}

/// Keeps clients on the version that they got first, by a cookie.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionAffinity {
    /// The cookie's name.
    pub cookie_name: String,
    /// Seconds for which a browser keeps it; a day when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<i64>,
}

/// A route of the Gateway API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayApiRoute {
    /// Its name.
    pub name: String,
    /// Whether `setHeaderRoute` and `setMirrorRoute` add rules to it.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "std::ops::Not::not")]
    pub use_header_routes: bool,
}

/// What all weights add up to where the manifest is silent.
pub(super) const DEFAULT_MAX_WEIGHT: i32 = 100;

impl TrafficRouting {
    /// The routes of the Gateway API that carry the weights, however they are given, with the name of that router.
    ///
    /// # Errors
    /// Says which part of the plugin's configuration does not read.
    pub fn gateway_apis(&self) -> Result<Vec<(&str, GatewayApiTrafficRouting)>, String> {
        let own = self.gateway_api.iter().map(|own| Ok(("GatewayAPI", own.clone())));
        let plugin = self.plugins.get_key_value(GATEWAY_API_PLUGIN).map(|(name, config)| {
            let read = serde_json::from_value(config.clone()).map_err(|error| error.to_string())?;
            Ok((name.as_str(), read))
        });
        own.chain(plugin).collect()
    }

    /// What all weights add up to, at least 1.
    pub fn max_weight(&self) -> i32 {
        self.max_traffic_weight.unwrap_or(DEFAULT_MAX_WEIGHT).max(1)
    }

    /// The names of the routers that are set, as the label `traffic_router` of `rollout_info` has them.
    pub fn router_names(&self) -> Vec<&str> {
        let set = [
            ("Istio", self.istio.is_some()),
            ("Nginx", self.nginx.is_some()),
            ("ALB", self.alb.is_some()),
            ("SMI", self.smi.is_some()),
            ("Ambassador", self.ambassador.is_some()),
            ("AppMesh", self.app_mesh.is_some()),
            ("Traefik", self.traefik.is_some()),
            ("Apisix", self.apisix.is_some()),
            ("GatewayAPI", self.gateway_api.is_some()),
        ];
        let built_in = set.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name);
        built_in.chain(self.plugins.keys().map(String::as_str)).collect()
    }
}

//! The fields of a canary step as Argo Rollouts ≥1.9 declares them, in the order in which Go writes them.
//!
//! `status.currentStepHash` is taken over the typed steps, as the pod hash is over the typed template. The types are few
//! and change rarely, so this table is written by hand; it was compared with the wire format of version 1.9.2 field by
//! field.

use super::go_fields::LABEL_SELECTOR;
use super::go_types::{GoStruct, Kind, field};

/// The type of `spec.strategy.canary.steps`.
pub const STEPS: Kind = Kind::List(&Kind::Struct(&CANARY_STEP));

const STRING_MAP: Kind = Kind::Map(&Kind::Str);

/// One step; exactly one field is set.
pub static CANARY_STEP: GoStruct = GoStruct {
    name: "CanaryStep",
    fields: &[
        field("setWeight", Kind::Int32).pointer().omit_empty(),
        field("pause", Kind::Struct(&PAUSE)).pointer().omit_empty(),
        field("experiment", Kind::Struct(&EXPERIMENT)).pointer().omit_empty(),
        field("analysis", Kind::Struct(&ANALYSIS)).pointer().omit_empty(),
        field("setCanaryScale", Kind::Struct(&SET_CANARY_SCALE)).pointer().omit_empty(),
        field("setHeaderRoute", Kind::Struct(&SET_HEADER_ROUTE)).pointer().omit_empty(),
        field("setMirrorRoute", Kind::Struct(&SET_MIRROR_ROUTE)).pointer().omit_empty(),
        field("plugin", Kind::Struct(&PLUGIN)).pointer().omit_empty(),
    ],
};

static PAUSE: GoStruct =
    GoStruct { name: "RolloutPause", fields: &[field("duration", Kind::IntOrString).pointer().omit_empty()] };

static EXPERIMENT: GoStruct = GoStruct {
    name: "RolloutExperimentStep",
    fields: &[
        field("templates", Kind::List(&Kind::Struct(&EXPERIMENT_TEMPLATE))),
        field("duration", Kind::Str).omit_empty(),
        field("analyses", Kind::List(&Kind::Struct(&EXPERIMENT_ANALYSIS))).omit_empty(),
        field("dryRun", Kind::List(&Kind::Struct(&DRY_RUN))).omit_empty(),
        field("analysisRunMetadata", Kind::Struct(&METADATA)).omit_empty(),
        field("scaleDownDelaySeconds", Kind::Int32).pointer().omit_empty(),
    ],
};

static EXPERIMENT_TEMPLATE: GoStruct = GoStruct {
    name: "RolloutExperimentTemplate",
    fields: &[
        field("name", Kind::Str),
        field("specRef", Kind::Str),
        field("replicas", Kind::Int32).pointer().omit_empty(),
        field("metadata", Kind::Struct(&METADATA)).omit_empty(),
        field("selector", Kind::Struct(&LABEL_SELECTOR)).pointer().omit_empty(),
        field("weight", Kind::Int32).pointer().omit_empty(),
        field("service", Kind::Struct(&EXPERIMENT_SERVICE)).pointer().omit_empty(),
    ],
};

static EXPERIMENT_SERVICE: GoStruct =
    GoStruct { name: "TemplateService", fields: &[field("name", Kind::Str).omit_empty()] };

static EXPERIMENT_ANALYSIS: GoStruct = GoStruct {
    name: "RolloutExperimentStepAnalysisTemplateRef",
    fields: &[
        field("name", Kind::Str),
        field("templateName", Kind::Str),
        field("clusterScope", Kind::Bool).pointer().omit_empty(),
        field("args", Kind::List(&Kind::Struct(&ARGUMENT))).omit_empty(),
        field("requiredForCompletion", Kind::Bool).omit_empty(),
    ],
};

static ANALYSIS: GoStruct = GoStruct {
    name: "RolloutAnalysis",
    fields: &[
        field("templates", Kind::List(&Kind::Struct(&TEMPLATE_REF))).omit_empty(),
        field("args", Kind::List(&Kind::Struct(&ARGUMENT))).omit_empty(),
        field("dryRun", Kind::List(&Kind::Struct(&DRY_RUN))).omit_empty(),
        field("measurementRetention", Kind::List(&Kind::Struct(&RETENTION))).omit_empty(),
        field("analysisRunMetadata", Kind::Struct(&METADATA)).pointer().omit_empty(),
    ],
};

static TEMPLATE_REF: GoStruct = GoStruct {
    name: "AnalysisTemplateRef",
    fields: &[field("templateName", Kind::Str), field("clusterScope", Kind::Bool).pointer().omit_empty()],
};

static ARGUMENT: GoStruct = GoStruct {
    name: "AnalysisRunArgument",
    fields: &[
        field("name", Kind::Str),
        field("value", Kind::Str).omit_empty(),
        field("valueFrom", Kind::Struct(&ARGUMENT_SOURCE)).pointer().omit_empty(),
    ],
};

static ARGUMENT_SOURCE: GoStruct = GoStruct {
    name: "ArgumentValueFrom",
    fields: &[
        field("podTemplateHashValue", Kind::Str).pointer().omit_empty(),
        field("fieldRef", Kind::Struct(&FIELD_REF)).pointer().omit_empty(),
    ],
};

static FIELD_REF: GoStruct = GoStruct { name: "FieldRef", fields: &[field("fieldPath", Kind::Str)] };

static DRY_RUN: GoStruct = GoStruct { name: "DryRun", fields: &[field("metricName", Kind::Str)] };

static RETENTION: GoStruct =
    GoStruct { name: "MeasurementRetention", fields: &[field("metricName", Kind::Str), field("limit", Kind::Int32)] };

static METADATA: GoStruct = GoStruct {
    name: "PodTemplateMetadata",
    fields: &[field("labels", STRING_MAP).omit_empty(), field("annotations", STRING_MAP).omit_empty()],
};

static SET_CANARY_SCALE: GoStruct = GoStruct {
    name: "SetCanaryScale",
    fields: &[
        field("weight", Kind::Int32).pointer().omit_empty(),
        field("replicas", Kind::Int32).pointer().omit_empty(),
        field("matchTrafficWeight", Kind::Bool).omit_empty(),
    ],
};

static SET_HEADER_ROUTE: GoStruct = GoStruct {
    name: "SetHeaderRoute",
    fields: &[
        field("name", Kind::Str).omit_empty(),
        field("match", Kind::List(&Kind::Struct(&HEADER_MATCH))).omit_empty(),
    ],
};

static HEADER_MATCH: GoStruct = GoStruct {
    name: "HeaderRoutingMatch",
    fields: &[field("headerName", Kind::Str), field("headerValue", Kind::Struct(&STRING_MATCH)).pointer()],
};

static STRING_MATCH: GoStruct = GoStruct {
    name: "StringMatch",
    fields: &[
        field("exact", Kind::Str).omit_empty(),
        field("prefix", Kind::Str).omit_empty(),
        field("regex", Kind::Str).omit_empty(),
    ],
};

static SET_MIRROR_ROUTE: GoStruct = GoStruct {
    name: "SetMirrorRoute",
    fields: &[
        field("name", Kind::Str),
        field("match", Kind::List(&Kind::Struct(&ROUTE_MATCH))).omit_empty(),
        field("percentage", Kind::Int32).pointer().omit_empty(),
    ],
};

static ROUTE_MATCH: GoStruct = GoStruct {
    name: "RouteMatch",
    fields: &[
        field("method", Kind::Struct(&STRING_MATCH)).pointer().omit_empty(),
        field("path", Kind::Struct(&STRING_MATCH)).pointer().omit_empty(),
        field("headers", Kind::Map(&Kind::Struct(&STRING_MATCH))).omit_empty(),
    ],
};

static PLUGIN: GoStruct =
    GoStruct { name: "PluginStep", fields: &[field("name", Kind::Str), field("config", Kind::Raw).omit_empty()] };

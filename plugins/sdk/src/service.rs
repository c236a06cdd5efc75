//! What the author of a plugin writes, kind by kind, and which method leads where.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::call::{Call, Params};
use crate::envelope::{ErrorObject, code};
use crate::failure::Failure;
use crate::handshake::{Kind, Nothing};
use crate::metric::{
    DescribeMetric, Measurement, MetricMetadata, MetricPhase, ResumeMetric, RunMetric, TerminateMetric,
};
use crate::step::{AbortStep, Progress, RunStep, TerminateStep};
use crate::traffic::{Apply, Observation, Observe, Release};

/// What a plugin says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Of [`crate::capability`].
    pub capabilities: BTreeSet<String>,
    /// How many calls it takes at a time, at least one.
    pub concurrency: u32,
}

impl About {
    /// A plugin that takes one call at a time, and can do what every plugin of its kind can.
    pub fn new(name: &str, version: &str) -> About {
        About { name: name.to_owned(), version: version.to_owned(), capabilities: BTreeSet::new(), concurrency: 1 }
    }

    /// It has a capability besides.
    #[must_use]
    pub fn with(mut self, capability: &str) -> About {
        self.capabilities.insert(capability.to_owned());
        self
    }

    /// It takes so many calls at a time.
    #[must_use]
    pub fn at_a_time(mut self, calls: u32) -> About {
        self.concurrency = calls.max(1);
        self
    }
}

/// What a call has besides its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// When nobody waits for the answer any more, from the moment of the call.
    pub timeout: Duration,
}

/// Tells a data plane how to split traffic.
pub trait TrafficRouterPlugin: Sync {
    /// What it says of itself.
    fn about(&self) -> About;

    /// Makes the data plane do what the routing says. The same call again changes nothing.
    fn apply(&self, call: &Apply, context: &Context) -> Result<Observation, Failure>;

    /// What the data plane does. Changes nothing.
    fn observe(&self, call: &Observe, context: &Context) -> Result<Observation, Failure>;

    /// Sends everything to the stable destination, and takes back what it made.
    fn release(&self, call: &Release, context: &Context) -> Result<(), Failure>;
}

/// Measures.
pub trait MetricProviderPlugin: Sync {
    /// What it says of itself.
    fn about(&self) -> About;

    /// Takes a measurement, or begins one that takes longer.
    fn run(&self, call: &RunMetric, context: &Context) -> Result<Measurement, Failure>;

    /// Goes on with one that takes longer.
    fn resume(&self, call: &ResumeMetric, _: &Context) -> Result<Measurement, Failure> {
        Err(Failure::Internal(format!("measurements of metric {:?} do not take longer than a call", call.of.metric)))
    }

    /// Ends one that takes longer.
    fn terminate(&self, _: &TerminateMetric, _: &Context) -> Result<Measurement, Failure> {
        Ok(Measurement::new(MetricPhase::Inconclusive, "terminated"))
    }

    /// What users should know of a metric before it is measured.
    fn metadata(&self, _: &DescribeMetric, _: &Context) -> Result<MetricMetadata, Failure> {
        Ok(MetricMetadata::default())
    }
}

/// Does a step.
pub trait StepPlugin: Sync {
    /// What it says of itself.
    fn about(&self) -> About;

    /// Begins the step, or goes on with it.
    fn run(&self, call: &RunStep, context: &Context) -> Result<Progress, Failure>;

    /// Ends it early; called with the capability [`crate::capability::TERMINATE`].
    fn terminate(&self, _: &TerminateStep, _: &Context) -> Result<Progress, Failure> {
        Ok(Progress::successful("terminated"))
    }

    /// Undoes it; called with the capability [`crate::capability::ABORT`].
    fn abort(&self, _: &AbortStep, _: &Context) -> Result<Progress, Failure> {
        Ok(Progress::successful("aborted"))
    }
}

/// A plugin of some kind, as it is served.
pub trait Service: Sync {
    /// Its kind.
    fn kind(&self) -> Kind;

    /// What it says of itself.
    fn about(&self) -> About;

    /// Answers a call of its kind.
    ///
    /// # Errors
    /// It does not know the method, or the parameters do not fit, or the plugin fails.
    fn answer(&self, method: &str, params: &Value) -> Result<Value, ErrorObject>;
}

/// A traffic router, as it is served.
#[derive(Clone, Copy, Debug)]
pub struct TrafficRouter<P>(pub P);

/// A metric provider, as it is served.
#[derive(Clone, Copy, Debug)]
pub struct MetricProvider<P>(pub P);

/// A step, as it is served.
#[derive(Clone, Copy, Debug)]
pub struct Step<P>(pub P);

impl<P: TrafficRouterPlugin> Service for TrafficRouter<P> {
    fn kind(&self) -> Kind {
        Kind::TrafficRouter
    }

    fn about(&self) -> About {
        self.0.about()
    }

    fn answer(&self, method: &str, params: &Value) -> Result<Value, ErrorObject> {
        match method {
            Apply::METHOD => with(params, |call, context| self.0.apply(call, context)),
            Observe::METHOD => with(params, |call, context| self.0.observe(call, context)),
            Release::METHOD => with(params, |call: &Release, cx| self.0.release(call, cx).map(|()| Nothing {})),
            _ => Err(unknown(method, self.kind())),
        }
    }
}

impl<P: MetricProviderPlugin> Service for MetricProvider<P> {
    fn kind(&self) -> Kind {
        Kind::MetricProvider
    }

    fn about(&self) -> About {
        self.0.about()
    }

    fn answer(&self, method: &str, params: &Value) -> Result<Value, ErrorObject> {
        match method {
            RunMetric::METHOD => with(params, |call, context| self.0.run(call, context)),
            ResumeMetric::METHOD => with(params, |call, context| self.0.resume(call, context)),
            TerminateMetric::METHOD => with(params, |call, context| self.0.terminate(call, context)),
            DescribeMetric::METHOD => with(params, |call, context| self.0.metadata(call, context)),
            _ => Err(unknown(method, self.kind())),
        }
    }
}

impl<P: StepPlugin> Service for Step<P> {
    fn kind(&self) -> Kind {
        Kind::Step
    }

    fn about(&self) -> About {
        self.0.about()
    }

    fn answer(&self, method: &str, params: &Value) -> Result<Value, ErrorObject> {
        match method {
            RunStep::METHOD => with(params, |call, context| self.0.run(call, context)),
            TerminateStep::METHOD => with(params, |call, context| self.0.terminate(call, context)),
            AbortStep::METHOD => with(params, |call, context| self.0.abort(call, context)),
            _ => Err(unknown(method, self.kind())),
        }
    }
}

/// Reads the parameters, asks, and checks the answer as the host will: a mistake is best found where it was made.
fn with<C: Call>(
    params: &Value,
    ask: impl FnOnce(&C, &Context) -> Result<C::Answer, Failure>,
) -> Result<Value, ErrorObject> {
    let read = <Params<C> as serde::Deserialize>::deserialize(params);
    let Params { timeout_ms, call } = read.map_err(|error| {
        ErrorObject::new(code::INVALID_PARAMS, format!("cannot read the parameters of {}: {error}", C::METHOD))
    })?;
    let answer = ask(&call, &Context { timeout: Duration::from_millis(timeout_ms) })?;
    call.check(&answer)
        .and_then(|()| serde_json::to_value(&answer).map_err(|error| error.to_string()))
        .map_err(|why| ErrorObject::new(code::INTERNAL, format!("the answer to {} {why}", C::METHOD)))
}

fn unknown(method: &str, kind: Kind) -> ErrorObject {
    ErrorObject::new(code::UNKNOWN_METHOD, format!("a plugin of kind {kind} does not have the method {method:?}"))
}

//! What users do, written once for every cluster that there is. Start with `deploy.rs`.
//!
//! `tests/cluster/run cargo test --test scenarios` runs them on a real control plane.

mod cluster;
mod real;
mod scenario;

mod abort;
mod adopt;
mod deploy;
mod history;
mod operate;
mod pause;
mod plugin;
mod restart;
mod scale;
mod step;
mod validate;

/// Declares scenarios as tests on the real control plane: `scenarios! { module: name, name }`.
#[macro_export]
macro_rules! scenarios {
    ($($name:ident),+ $(,)?) => {
        mod on_the_real_control_plane {
            $(
                #[tokio::test]
                async fn $name() {
                    let cluster = std::sync::Arc::new($crate::real::Real::connect().await);
                    super::$name($crate::scenario::Scenario::begin(cluster, stringify!($name)).await).await;
                }
            )+
        }
    };
}

//! The dashboard of the demo: what happens can be looked at in a browser of this machine.

use kube::Client;
use tokio::task::JoinHandle;

/// A dashboard that is served until its task is stopped.
pub struct Pages {
    /// Where its first page is.
    pub url: String,
    /// What serves it.
    pub serving: JoinHandle<()>,
}

/// Opens one, on which people can act unless it is to be looked at alone. A build without it has none.
#[cfg(not(feature = "dashboard"))]
#[expect(clippy::unused_async, reason = "the other build has to wait")]
pub async fn open(_: &Client, _: bool) -> anyhow::Result<Option<Pages>> {
    Ok(None)
}

/// Opens one, on which people can act unless it is to be looked at alone. A build without it has none.
#[cfg(feature = "dashboard")]
pub async fn open(client: &Client, read_only: bool) -> anyhow::Result<Option<Pages>> {
    use std::net::Ipv4Addr;
    use std::sync::Arc;

    use anyhow::Context as _;

    use super::stage::NAMESPACE;
    use crate::dashboard::access::{Connect, Gate};
    use crate::dashboard::{Settings, listen, serve};

    /// Where people know it to be; elsewhere where that is taken.
    const PORT: u16 = 3100;

    let at = |port| listen((Ipv4Addr::LOCALHOST, port).into());
    let listener = match at(PORT).await {
        Ok(listener) => listener,
        Err(_) => at(0).await?,
    };
    let port = listener.local_addr().context("cannot tell the port of the dashboard")?.port();
    let settings = Settings {
        gate: Gate::Owner,
        read_only,
        root: "rollouts".to_owned(),
        namespace: NAMESPACE.to_owned(),
        cluster: "demo".to_owned(),
    };
    let others = client.clone();
    let connect: Connect = Arc::new(move |_| Ok(others.clone()));
    let serving = serve(settings, (client.clone(), connect), None, listener);
    let serving = tokio::spawn(async {
        if let Err(error) = serving.await {
            tracing::error!("{error:#}");
        }
    });
    Ok(Some(Pages { url: format!("http://localhost:{port}/rollouts"), serving }))
}

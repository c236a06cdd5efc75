//! Places for downloads: so many at the same time, and few from one host, so that slow servers stop nobody else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Url;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::web::Failed;

/// Downloads at the same time.
const DOWNLOADS: usize = 8;
/// Those from one host, which may be slow, and others are not.
const OF_HOST: usize = 2;
/// Archives that are unpacked at the same time: those are in memory.
const UNPACKED: usize = 2;

/// Places for downloads.
pub struct Places {
    all: Arc<Semaphore>,
    /// By host; only those that are in use.
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
    unpacking: Arc<Semaphore>,
}

impl Default for Places {
    fn default() -> Places {
        let places = |count| Arc::new(Semaphore::new(count));
        Places { all: places(DOWNLOADS), hosts: Mutex::default(), unpacking: places(UNPACKED) }
    }
}

impl Places {
    /// One for a download from there. Whoever waits for a host keeps nobody else waiting.
    pub async fn of(&self, url: &Url) -> Result<[OwnedSemaphorePermit; 2], Failed> {
        let host = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            hosts.retain(|_, places| Arc::strong_count(places) > 1);
            let host = hosts.entry(url.host_str().unwrap_or_default().to_owned());
            Arc::clone(host.or_insert_with(|| Arc::new(Semaphore::new(OF_HOST))))
        };
        Ok([place(&host).await?, place(&self.all).await?])
    }

    /// One to unpack what has come.
    pub async fn to_unpack(&self) -> Result<OwnedSemaphorePermit, Failed> {
        place(&self.unpacking).await
    }
}

async fn place(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Failed> {
    Arc::clone(places).acquire_owned().await.map_err(|error| Failed::said(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn slow_hosts_do_not_stop_the_others() {
        let places = Places::default();
        let url = |host: &str| Url::parse(&format!("https://{host}/web.tgz")).expect("a URL");
        let one = places.of(&url("slow")).await.expect("a place");
        let _other = places.of(&url("slow")).await.expect("a place");
        let slow = url("slow");
        let mut third = std::pin::pin!(places.of(&slow));
        assert!(futures::poll!(&mut third).is_pending());
        let _quick = places.of(&url("quick")).await.expect("a place");
        drop(one);
        let _third = third.await.expect("a place");
    }
}

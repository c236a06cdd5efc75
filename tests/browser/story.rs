//! How a story is told: with a browser of its own, whose console has to be silent at the end. Where it fails, a picture of the page is
//! kept.

use std::panic::{AssertUnwindSafe, resume_unwind};

use futures::FutureExt as _;
use tokio::sync::Semaphore;

use crate::driver::Browser;

/// A browser takes a core and some 200 MB.
static SEATS: Semaphore = Semaphore::const_new(2);

/// Tells the story of that name.
pub async fn tell<T: Future<Output = ()>>(name: &str, story: impl FnOnce(Browser) -> T) {
    let _seat = SEATS.acquire().await.expect("it is never closed");
    let browser = Browser::start(name).await;
    let told = AssertUnwindSafe(async {
        story(browser.clone()).await;
        let complaints = browser.complaints().await;
        assert!(complaints.is_empty(), "the console complains:\n{}", complaints.join("\n"));
    });
    let told = told.catch_unwind().await;
    if told.is_err() {
        match browser.keep_evidence().await {
            Ok(picture) => eprintln!("what was to be seen is in {}", picture.display()),
            Err(error) => eprintln!("what was to be seen cannot be kept: {error}"),
        }
    }
    let closed = browser.close().await;
    match told {
        Ok(()) => closed.expect("the browser ends"),
        Err(panic) => resume_unwind(panic),
    }
}

//! A page that changes by itself.

use crate::driver::{Browser, Parts};
use crate::page::Page;

pub async fn what_changes_is_shown_at_once(browser: Browser) {
    let page = Page::serve().await;
    let browser = browser.at(&page.url);
    browser.open("/rollouts").await;
    browser.row("web").shows("✔ Healthy").await;
    page.says("web", "◌ Progressing");
    browser.row("web").shows("◌ Progressing").await;
    browser.row("api").shows("॥ Paused").await;
    page.says("web", "✖ Degraded");
    browser.row("web").shows("✖ Degraded").await;
}

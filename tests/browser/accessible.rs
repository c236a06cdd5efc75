//! A page for everybody.

use crate::driver::{Browser, Parts};
use crate::page::Page;

pub async fn everybody_can_use_the_page(browser: Browser) {
    let page = Page::serve().await;
    let browser = browser.at(&page.url);
    browser.open("/rollouts").await;
    browser.row("web").is_there().await;
    browser.is_accessible().await;
    browser.row("web").button("Promote web").click().await;
    browser.dialog("Promote web?").is_there().await;
    browser.is_accessible().await;
    browser.open("/rollouts/web").await;
    browser.is_accessible().await;
}

pub async fn what_keeps_people_out_is_found(browser: Browser) {
    let page = Page::serve().await;
    let browser = browser.at(&page.url);
    browser.open("/broken").await;
    let barriers = browser.barriers().await.join("\n");
    let rules = [
        "html-has-lang",
        "button-name",
        "label",
        "color-contrast",
        "heading-order",
        "image-alt",
        "landmark-one-main",
        "target-size",
    ];
    for rule in rules {
        assert!(barriers.contains(&format!("{rule} (")), "no {rule} in\n{barriers}");
    }
    browser.complaints().await;
}

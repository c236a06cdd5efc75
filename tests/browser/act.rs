//! Doing something with a page.

use crate::driver::{Browser, Parts};
use crate::page::Page;

pub async fn a_button_is_pressed_and_confirmed(browser: Browser) {
    let page = Page::serve().await;
    let browser = browser.at(&page.url);
    browser.open("/rollouts").await;
    browser.row("api").button("Promote api").click().await;
    let dialog = browser.dialog("Promote api?");
    dialog.button("Cancel").click().await;
    dialog.is_gone().await;
    assert!(page.promoted().is_empty(), "nobody has confirmed it");
    browser.row("api").button("Promote api").click().await;
    dialog.button("Promote").click().await;
    browser.css("[role=status]").shows("api is promoted.").await;
    assert_eq!(page.promoted(), ["api"]);
    browser.row("api").does_not_show("Paused").await;
}

pub async fn a_row_is_found_by_what_is_typed_or_chosen(browser: Browser) {
    let page = Page::serve().await;
    let browser = browser.at(&page.url);
    browser.open("/rollouts").await;
    let search = browser.region("Filter").field("Search");
    search.fill("we").await;
    browser.row("api").is_gone().await;
    browser.row("web").is_there().await;
    search.fill("api").await;
    browser.row("web").is_gone().await;
    browser.row("api").is_there().await;
    search.fill("").await;
    browser.row("web").is_there().await;
    browser.field("Status").choose("Healthy").await;
    browser.row("api").is_gone().await;
    browser.row("web").is_there().await;
}

pub async fn a_cookie_is_kept(browser: Browser) {
    let page = Page::serve().await;
    let browser = browser.at(&page.url);
    browser.open("/rollouts").await;
    let cookie = browser.cookie("visit").await.expect("the page sets it");
    assert_eq!((&cookie["httpOnly"], &cookie["sameSite"]), (&true.into(), &"Strict".into()), "{cookie}");
    browser.set_cookie("theme", "dark").await;
    browser.open("/rollouts/web").await;
    assert_eq!(browser.cookie("theme").await.expect("it was set")["value"], "dark");
}

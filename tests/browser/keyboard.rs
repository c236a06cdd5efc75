//! A page without a mouse.

use crate::driver::{Browser, Key, Parts};
use crate::page::Page;

pub async fn everything_is_done_with_the_keyboard(browser: Browser) {
    let page = Page::serve().await;
    let browser = browser.at(&page.url);
    browser.open("/rollouts").await;
    let order = ["link To the rollouts", "searchbox Search", "combobox Status", "link web", "button Promote web"];
    assert_eq!(browser.tab_order().await[..5], order);

    browser.open("/rollouts").await;
    browser.tab_to("button Promote api").await;
    browser.press(&[Key::Enter]).await;
    browser.focus_comes_to("button Cancel").await;
    browser.press(&[Key::Escape]).await;
    browser.dialog("Promote api?").is_gone().await;
    browser.focus_comes_to("button Promote api").await;
    browser.press(&[Key::Enter]).await;
    browser.focus_comes_to("button Cancel").await;
    browser.press(&[Key::Tab]).await;
    browser.focus_comes_to("button Promote").await;
    browser.press(&[Key::Shift, Key::Tab]).await;
    browser.focus_comes_to("button Cancel").await;
    browser.press(&[Key::Tab]).await;
    browser.press(&[Key::Enter]).await;
    browser.css("[role=status]").shows("api is promoted.").await;
    assert_eq!(page.promoted(), ["api"]);
}

pub async fn focus_that_cannot_be_seen_is_found(browser: Browser) {
    let page = Page::serve().await;
    let browser = browser.at(&page.url);
    browser.open("/broken").await;
    browser.press(&[Key::Tab]).await;
    browser.focus_comes_to("link Nobody sees me").await;
    assert!(!browser.shows_focus().await);
    browser.complaints().await;
}

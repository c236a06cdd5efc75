//! A part of a page, by what people call it. It is found anew for each thing that is done with it, so that it can be kept while the page
//! changes below it.

use std::panic::Location;

use serde_json::json;

use super::browser::Browser;
use super::session::Element;
use super::wire::Refused;

/// Control and A, let go again.
const ALL: &str = "\u{e009}a\u{e000}";
const BACKSPACE: char = '\u{e003}';

/// Where parts are looked for: in all of the page, or within another part.
pub trait Parts {
    /// What a selector of CSS finds, where people have no name for it.
    #[track_caller]
    fn css(&self, selector: &str) -> Part {
        self.part("css", selector)
    }

    /// The row of a table, the entry of a list or the card whose link, head or heading is that.
    #[track_caller]
    fn row(&self, name: &str) -> Part {
        self.part("row", name)
    }

    /// A button, by what it says or is labelled.
    #[track_caller]
    fn button(&self, name: &str) -> Part {
        self.part("button", name)
    }

    /// A link, by what it says or is labelled.
    #[track_caller]
    fn link(&self, name: &str) -> Part {
        self.part("link", name)
    }

    /// A field to type into or to choose from, by its label.
    #[track_caller]
    fn field(&self, label: &str) -> Part {
        self.part("field", label)
    }

    /// A heading.
    #[track_caller]
    fn heading(&self, text: &str) -> Part {
        self.part("heading", text)
    }

    /// A dialog that is open, by its label or its heading.
    #[track_caller]
    fn dialog(&self, name: &str) -> Part {
        self.part("dialog", name)
    }

    /// A section, by its label or its heading.
    #[track_caller]
    fn region(&self, name: &str) -> Part {
        self.part("region", name)
    }

    /// A part of a kind that `locate.js` knows.
    #[track_caller]
    fn part(&self, kind: &'static str, what: &str) -> Part;
}

/// See the module.
#[derive(Clone)]
pub struct Part {
    browser: Browser,
    steps: Vec<(&'static str, String)>,
    /// The story's line that speaks of it.
    from: &'static Location<'static>,
}

impl Parts for Browser {
    #[track_caller]
    fn part(&self, kind: &'static str, what: &str) -> Part {
        Part { browser: self.clone(), steps: vec![(kind, what.to_owned())], from: Location::caller() }
    }
}

impl Parts for Part {
    #[track_caller]
    fn part(&self, kind: &'static str, what: &str) -> Part {
        let mut part = Part { from: Location::caller(), ..self.clone() };
        part.steps.push((kind, what.to_owned()));
        part
    }
}

impl Part {
    /// Waits until it shows a text, however its white space is.
    pub async fn shows(&self, text: &str) {
        self.becomes(&format!("to show {text:?}"), |it| tidy(it).contains(&tidy(text))).await;
    }

    /// Waits until it does not show a text any more.
    pub async fn does_not_show(&self, text: &str) {
        self.becomes(&format!("not to show {text:?}"), |it| !tidy(it).contains(&tidy(text))).await;
    }

    /// What it shows.
    pub async fn text(&self) -> String {
        self.with("to be read", async |it| self.look(it, "text").await).await.unwrap_or_default()
    }

    /// One of its attributes.
    pub async fn attribute(&self, name: &str) -> Option<String> {
        self.with("to be looked at", async |it| self.look(it, &format!("attribute/{name}")).await).await
    }

    /// What a property of CSS comes to, as `rgba(0, 0, 0, 1)`.
    pub async fn style(&self, property: &str) -> String {
        self.with("to be looked at", async |it| self.look(it, &format!("css/{property}")).await)
            .await
            .unwrap_or_default()
    }

    /// Clicks it, as soon as it is there and nothing lies over it.
    pub async fn click(&self) {
        self.with("to be clicked", async |it| self.browser.session.click(it).await).await;
    }

    /// Types into it, in place of what it had.
    pub async fn fill(&self, text: &str) {
        // As people do it: WebDriver's own way to empty a field tells the page less than a key does.
        let keys = format!("{ALL}{BACKSPACE}{text}");
        self.with("to be typed into", async |it| self.browser.session.type_into(it, &keys).await).await;
    }

    /// Chooses what it offers under a label.
    pub async fn choose(&self, label: &str) {
        let session = &self.browser.session;
        let chosen = "return arguments[0].selectedOptions[0]?.label";
        // With the keyboard: WebDriver's click on an option tells the page less than people's do.
        let act = async |it: &Element| {
            session.type_into(it, label).await?;
            match session.script(chosen, json!([it.to_value()])).await? {
                now if now == label => Ok(()),
                now => Err(Refused::Said { code: "not chosen".to_owned(), message: format!("it has {now}") }),
            }
        };
        self.with(&format!("to have {label:?} chosen"), act).await;
    }

    /// Waits until it is there.
    pub async fn is_there(&self) {
        self.with("to be there", async |_| Ok(())).await;
    }

    /// Waits until there is none of it.
    pub async fn is_gone(&self) {
        self.are(0).await;
    }

    /// Waits until there are so many of it.
    pub async fn are(&self, count: usize) {
        let looked = async || match self.all().await {
            Ok(it) if it.len() == count => Ok(()),
            Ok(it) => Err(format!("there are {}", it.len())),
            Err(error) => Err(error.to_string()),
        };
        self.browser.eventually(&self.wish(&format!("to be {count}")), looked).await;
    }

    async fn becomes(&self, what: &str, is: impl Fn(&str) -> bool) {
        let looked = async || {
            let element = self.one().await?;
            let text = self.look(&element, "text").await.map_err(|error| error.to_string())?.unwrap_or_default();
            if is(&text) { Ok(()) } else { Err(format!("it shows {:?}", tidy(&text))) }
        };
        self.browser.eventually(&self.wish(what), looked).await;
    }

    /// Does something with it once it can be done: an element that has gone meanwhile, or lies below another, is looked for again.
    async fn with<T>(&self, what: &str, act: impl AsyncFn(&Element) -> Result<T, Refused>) -> T {
        let acted = async || {
            let element = self.one().await?;
            act(&element).await.map_err(|error| error.to_string())
        };
        self.browser.eventually(&self.wish(what), acted).await
    }

    async fn look(&self, element: &Element, what: &str) -> Result<Option<String>, Refused> {
        self.browser.session.look(element, what).await
    }

    async fn one(&self) -> Result<Element, String> {
        let mut all = self.all().await.map_err(|error| error.to_string())?;
        match all.len() {
            1 => Ok(all.remove(0)),
            0 => Err("there is none".to_owned()),
            several => Err(format!("there are {several}, and a story means one")),
        }
    }

    async fn all(&self) -> Result<Vec<Element>, Refused> {
        let found = self.browser.session.script(include_str!("locate.js"), json!([self.steps])).await?;
        Ok(found.as_array().into_iter().flatten().filter_map(Element::of).collect())
    }

    fn wish(&self, what: &str) -> String {
        let steps: Vec<_> = self.steps.iter().rev().map(|(kind, name)| format!("{kind} {name:?}")).collect();
        format!("{}: the {} was {what}", self.from, steps.join(" of the "))
    }
}

fn tidy(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

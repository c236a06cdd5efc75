//! A browser for tests: a small client of W3C `WebDriver` for the few things that people do with a page, and for what they see of it.
//!
//! [`Browser`] and [`part::Part`] are what stories use. A part is named as people name it (a row, a button, a field) and is looked for
//! anew at each use, until it is as the story says or [`LIMIT`] is over: nothing waits for the clock, and nothing minds that a page puts
//! new elements in the place of old ones.

mod browser;
mod checks;
mod emulate;
mod keyboard;
mod part;
mod process;
mod session;
mod wire;

use std::time::Duration;

pub use browser::Browser;
pub use emulate::Preference;
pub use keyboard::Key;
pub use part::Parts;

/// How long a page may take to become what a story says. Generous: it is only ever waited out on failure.
pub const LIMIT: Duration = Duration::from_secs(30);

//! The way to the value at hand, as the API server writes it: `spec.template.spec.containers[0].name`.

use std::fmt::Write;

/// It grows on the way down and is cut on the way back, so that a walk allocates once.
#[derive(Default)]
pub(super) struct Path(String);

impl Path {
    /// Goes to a property, and gives what to come back with.
    pub(super) fn enter(&mut self, name: &str) -> usize {
        let mark = self.0.len();
        if mark > 0 {
            self.0.push('.');
        }
        self.0.push_str(name);
        mark
    }

    /// Goes to a value of a map.
    pub(super) fn enter_key(&mut self, key: &str) -> usize {
        let mark = self.0.len();
        let _ = write!(self.0, "[{key}]");
        mark
    }

    /// Goes to an item of a list.
    pub(super) fn enter_item(&mut self, index: usize) -> usize {
        let mark = self.0.len();
        let _ = write!(self.0, "[{index}]");
        mark
    }

    /// Goes back to where `enter` began.
    pub(super) fn leave(&mut self, mark: usize) {
        self.0.truncate(mark);
    }

    /// As text.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// The text of a property's path.
    pub(super) fn child(&self, name: &str) -> String {
        if self.0.is_empty() { name.to_string() } else { format!("{}.{name}", self.0) }
    }
}

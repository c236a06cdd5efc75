//! JSONPath: the answers of the library that kubectl has, and what nobody may bring about.

mod golden;
mod hostile;

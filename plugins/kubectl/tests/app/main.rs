//! `app` as people use it: the program itself, on a sandbox that is served over HTTPS, with the GitOps core at work on a repository.

mod diff;
mod operate;
mod stage;
mod story;

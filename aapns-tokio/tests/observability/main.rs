//! What `tracing` and `metrics` tell of a run: by stable names, in agreement with the mock, and nothing secret.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod dashboard;
mod docs;
mod meter;
mod run;
mod trace;

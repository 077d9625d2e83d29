//! What each fuzz target does with its octets, as plain functions: they panic on a finding.
//!
//! The targets in `fuzz_targets/` call them; `tests/replay.rs` runs them over the committed corpora.

mod connection;
mod frames;
mod hpack;
mod models;
mod pool;
mod world;

pub use connection::{connection_bytes, connection_ops};
pub use frames::frame;
pub use hpack::hpack;
pub use models::models;
pub use pool::pool_ops;
pub use world::world;

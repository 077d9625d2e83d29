//! The mock as its users see it.
#![cfg(feature = "mock")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod devices;
mod faults;
mod lost;
mod page;
mod raw;
mod requests;
mod rules;
mod schema;
mod server;
mod support;

//! The Apple Push Notification client for tokio, and the `aapns` program.

#[cfg(feature = "cli")]
pub mod cli;

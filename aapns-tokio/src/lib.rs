//! The Apple Push Notification client for tokio, and the `aapns` program.

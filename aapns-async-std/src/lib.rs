//! The Apple Push Notification client for async-std, smol and other runtimes of futures::io.

//! A sans-IO Apple Push Notification client.

#[cfg(any(feature = "client", feature = "rustls"))]
mod base64;
#[cfg(feature = "client")]
pub mod client;
pub mod connection;
mod deadlines;
pub mod delivery;
pub mod frame;
pub mod hpack;
pub mod job;
pub mod limits;
pub mod link;
pub mod machine;
#[cfg(not(feature = "mutants"))]
mod mutants;
#[cfg(feature = "mutants")]
pub mod mutants;
pub mod pool;
pub mod request;
pub mod time;
#[cfg(feature = "rustls")]
pub mod tls;

pub use connection::{Connection, ConnectionConfig, Credit, Event};
pub use delivery::{Cause, Delivery, Done, Outcome};
pub use job::{Job, Policy, RejectReason, Rejected, Tag};
pub use link::Link;
pub use machine::{Machine, Turn, Wakeup, Wire};
pub use pool::{Action, Pool, PoolConfig};
pub use request::{Fields, Head, InvalidField, Method, Request, Response};
pub use time::Time;

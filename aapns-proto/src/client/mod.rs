//! The runtime-free half of the handles: everything between a caller's `await` and the pure machines.
//!
//! | handle | does | retries |
//! |---|---|---|
//! | [`Client`] | typed notifications to device tokens | yes |
//! | [`Clients`] | a client for each of many teams and servers | yes |
//! | [`Channels`] | the broadcast channels of apps | yes |
//! | [`Pool`] | any [`Request`](crate::Request), over several connections | yes |
//! | [`Connection`] | any request, over one connection | never |
//!
//! Nothing here knows a runtime: sockets, TLS, timers, tasks and clocks come from a [`Runtime`],
//! which an adapter implements once (about 200 lines: see [`runtime`], which has a whole one). The handles are generic
//! over it, and an adapter names them by alias: `pub type Client = aapns_proto::client::Client<Tokio>`.

mod bell;
mod broadcast;
mod builder;
#[cfg(feature = "rustls")]
mod certificate;
mod channels;
mod clients;
mod connection;
mod credential;
mod dead;
mod driver;
mod endpoint;
mod error;
mod farewell;
#[cfg(feature = "rustls")]
mod fault;
mod handle;
mod heads;
mod link;
mod many;
#[cfg(feature = "ndjson")]
pub mod ndjson;
#[cfg(any(feature = "tracing", feature = "metrics"))]
pub mod observability;
#[cfg_attr(
    any(feature = "tracing", feature = "metrics"),
    path = "observe/observed.rs"
)]
#[cfg_attr(
    not(any(feature = "tracing", feature = "metrics")),
    path = "observe/unobserved.rs"
)]
mod observe;
mod options;
mod pace;
mod pool;
mod pool_task;
mod post;
mod proxy;
mod race;
mod reply;
mod room;
pub mod runtime;
mod shared;
mod token;
mod unordered;
mod watchers;

pub use broadcast::{BroadcastSent, Broadcasting};
pub use builder::{BuildError, Builder};
#[cfg(feature = "rustls")]
pub use certificate::{CertificateFault, CertificateWarning};
pub use channels::{ChannelError, Channels};
pub use clients::{ClientKey, Clients, ClientsBuilder, ClientsError};
pub use connection::{ConnectError, Connection, Posting};
pub use credential::Credential;
pub use dead::{DeadToken, DeadTokenHint, DeadTokens};
pub use endpoint::{Endpoint, Environment, InvalidEndpoint, InvalidEnvironment};
pub use error::{Failure, PostError, ResponseError, SendError};
#[cfg(feature = "rustls")]
pub use fault::{dial_error, tls_error};
pub use handle::{Client, Prepared, Sending, Sent};
pub use many::Many;
pub use options::PostOptions;
pub use pool::{Drained, Pool, State};
pub use post::{Answer, Post};
pub use proxy::{Proxy, ProxyError};
pub use race::race;
pub use runtime::{Runtime, Target, Timer, Transport};
pub use token::TokenSource;
pub use unordered::Unordered;

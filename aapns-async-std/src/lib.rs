//! The Apple Push Notification client for async-std, smol and other runtimes of `futures::io`.
//!
//! | | does | retries |
//! |---|---|---|
//! | [`Client`] | typed notifications to device tokens | yes |
//! | [`Clients`] | a client for each of many teams and servers | yes |
//! | [`Channels`] | the broadcast channels of apps | yes |
//! | [`Pool`] | any [`Request`], over several connections | yes |
//! | [`Connection`] | any request, over one connection | never |
//!
//! Names, builder and errors are those of `aapns-tokio`; the logic behind them is one,
//! [`aapns_proto`]. async-std itself is discontinued (RUSTSEC-2025-0052): this crate serves those who
//! have it. Its sockets and timers run on a reactor thread of their own, so that they work under any
//! executor: on smol, say where tasks go.
//!
//! ```no_run
//! use aapns_async_std::{AsyncStd, Builder, Endpoint};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let on_async_std = Builder::new(AsyncStd::default(), Endpoint::sandbox()).build()?;
//! # fn spawn_on_smol(_: aapns_async_std::Task) {}
//! // On smol: `AsyncStd::spawning(|task| smol::spawn(task).detach())`
//! let elsewhere = AsyncStd::spawning(|task| spawn_on_smol(task));
//! let on_smol = Builder::new(elsewhere, Endpoint::sandbox()).build()?;
//! # drop((on_async_std, on_smol));
//! # Ok(())
//! # }
//! ```

mod connect;
mod runtime;
mod transport;

pub use aapns_models as models;
pub use aapns_proto as proto;
pub use aapns_proto::client::{
    Answer, BroadcastSent, BuildError, CertificateFault, CertificateWarning, ChannelError,
    ClientKey, ClientsError, ConnectError, Credential, DeadToken, DeadTokenHint, DeadTokens,
    Drained, Endpoint, Environment, Failure, InvalidEndpoint, InvalidEnvironment, PostError,
    PostOptions, Posting, Prepared, Proxy, ProxyError, ResponseError, SendError, Sent, State,
    TokenSource, Unordered,
};
pub use aapns_proto::delivery::{Cause, Delivery, DialError, DialStep, Disconnect, GoAway};
pub use aapns_proto::pool::{MintError, Stats};
pub use aapns_proto::tls::{CertificateInfo, CredentialError, Identity, Signer};
pub use aapns_proto::{
    ConnectionConfig, Credit, Fields, Head, InvalidField, InvalidPolicy, Method, Policy, Request,
    Response, Time,
};
pub use connect::{Connect, Connecting, Stream};
pub use runtime::{AsyncStd, Task};

/// Sends typed notifications; see [`aapns_proto::client::Client`].
pub type Client = aapns_proto::client::Client<AsyncStd>;
/// A client for each of many teams and servers; see [`aapns_proto::client::Clients`].
pub type Clients = aapns_proto::client::Clients<AsyncStd>;
/// Sets up clients for many; see [`aapns_proto::client::ClientsBuilder`].
pub type ClientsBuilder = aapns_proto::client::ClientsBuilder<AsyncStd>;
/// The broadcast channels of apps; see [`aapns_proto::client::Channels`].
pub type Channels = aapns_proto::client::Channels<AsyncStd>;
/// Several connections behind one queue; see [`aapns_proto::client::Pool`].
pub type Pool = aapns_proto::client::Pool<AsyncStd>;
/// One connection; see [`aapns_proto::client::Connection`].
pub type Connection = aapns_proto::client::Connection<AsyncStd>;
/// Sets up any of them; see [`aapns_proto::client::Builder`].
pub type Builder = aapns_proto::client::Builder<AsyncStd>;
/// A request on its way through a [`Pool`].
pub type Post = aapns_proto::client::Post<AsyncStd>;
/// A notification on its way; see [`aapns_proto::client::Sending`].
pub type Sending = aapns_proto::client::Sending<AsyncStd>;
/// A notification on its way to many devices; see [`aapns_proto::client::Many`].
pub type Many<I> = aapns_proto::client::Many<AsyncStd, I>;
/// A broadcast on its way; see [`aapns_proto::client::Broadcasting`].
pub type Broadcasting = aapns_proto::client::Broadcasting<AsyncStd>;

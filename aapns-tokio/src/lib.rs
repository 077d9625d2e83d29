#![doc = include_str!("../README.md")]
//! # Which handle
//! | | does | retries |
//! |---|---|---|
//! | [`Client`] | typed notifications to device tokens | yes |
//! | [`Clients`] | a client for each of many teams and servers | yes |
//! | [`Channels`] | the broadcast channels of apps | yes |
//! | [`Pool`] | any [`Request`], over several connections | yes |
//! | [`Connection`] | any request, over one connection | never |
//!
//! All are set up by one [`Builder`], inside a tokio runtime with IO and time enabled. The [`guide`] has a
//! chapter for each thing that a sender has to know; begin with [delivery](guide::delivery).
//!
//! On the multi-thread scheduler, with more than some 256 callers runnable at once, tokio's local queues
//! spill over and tasks that are woken late starve for milliseconds; if latency matters there, build the
//! runtime with `global_queue_interval(1)`.

#[cfg(feature = "cli")]
pub mod cli;
mod connect;
pub mod guide;
#[cfg(feature = "mock")]
pub mod mock;
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
pub use runtime::Tokio;

/// Sends typed notifications; see [`aapns_proto::client::Client`].
pub type Client = aapns_proto::client::Client<Tokio>;
/// A client for each of many teams and servers; see [`aapns_proto::client::Clients`].
pub type Clients = aapns_proto::client::Clients<Tokio>;
/// Sets up clients for many; see [`aapns_proto::client::ClientsBuilder`].
pub type ClientsBuilder = aapns_proto::client::ClientsBuilder<Tokio>;
/// The broadcast channels of apps; see [`aapns_proto::client::Channels`].
pub type Channels = aapns_proto::client::Channels<Tokio>;
/// Several connections behind one queue; see [`aapns_proto::client::Pool`].
pub type Pool = aapns_proto::client::Pool<Tokio>;
/// One connection; see [`aapns_proto::client::Connection`].
pub type Connection = aapns_proto::client::Connection<Tokio>;
/// Sets up any of them; see [`aapns_proto::client::Builder`].
pub type Builder = aapns_proto::client::Builder<Tokio>;
/// A notification on its way; see [`aapns_proto::client::Sending`].
pub type Sending = aapns_proto::client::Sending<Tokio>;
/// A notification on its way to many devices; see [`aapns_proto::client::Many`].
pub type Many<I> = aapns_proto::client::Many<Tokio, I>;
/// A broadcast on its way; see [`aapns_proto::client::Broadcasting`].
pub type Broadcasting = aapns_proto::client::Broadcasting<Tokio>;
/// A request on its way through a [`Pool`].
pub type Post = aapns_proto::client::Post<Tokio>;

/// The README's examples, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

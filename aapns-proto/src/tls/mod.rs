//! Credentials (feature `rustls`): client certificates, provider tokens, roots, and the TLS configuration made of them.
//!
//! Bytes in, values out: nothing here opens a file or a socket, or reads a clock. Keys that this module
//! holds lie in memory that is overwritten when it is freed, and neither `Debug` nor an error shows one.
//!
//! The crypto provider is the feature's: `aws-lc-rs`, else `ring`. With neither, it is what the process has
//! installed as rustls' default, or what [`Signer::from_p8_with`] and [`TlsOptions::provider`] are given.

mod certificate;
mod config;
mod error;
mod identity;
#[cfg(feature = "p12")]
mod p12;
mod pem;
mod provider;
mod roots;
mod signer;

pub use certificate::{CertificateInfo, CertificateTopic};
pub use config::{TlsOptions, client_config};
pub use error::CredentialError;
pub use identity::Identity;
pub use provider::default_provider;
pub use roots::Roots;
/// The rustls whose types are in this API.
pub use rustls;
pub use signer::Signer;

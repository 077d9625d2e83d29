//! Flags that say which server to talk to and as whom.

use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::Fault;
use super::values::{Connections, ServerName, Timeout};

/// Flags of every command that connects.
#[derive(Debug, Args)]
#[command(next_help_heading = "Server and credential")]
pub(crate) struct ConnectArgs {
    /// production, sandbox or https://HOST[:PORT]
    #[arg(long, value_name = "SERVER", default_value = "sandbox")]
    pub(crate) server: ServerName,
    /// Use port 2197, Apple's alternative where firewalls close 443
    #[arg(long)]
    pub(crate) alt_port: bool,
    /// PEM file of certificate authorities to trust in addition to the built-in ones
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Trust only the authorities of --ca
    #[arg(long, requires = "ca")]
    pub(crate) ca_only: bool,
    /// PEM file of the client certificate, with its key unless --key is given
    #[arg(long, value_name = "FILE", conflicts_with_all = ["token_key", "bearer_file"])]
    pub(crate) cert: Option<PathBuf>,
    /// PEM file of the client certificate's key
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// Apple's key file for token authentication (AuthKey_….p8)
    #[arg(long, value_name = "FILE", requires_all = ["key_id", "team_id"], conflicts_with = "bearer_file")]
    pub(crate) token_key: Option<PathBuf>,
    /// The 10 characters that name the key of --token-key
    #[arg(long, value_name = "ID", requires = "token_key")]
    pub(crate) key_id: Option<String>,
    /// The 10 characters that name your team
    #[arg(long, value_name = "ID", requires = "token_key")]
    pub(crate) team_id: Option<String>,
    /// File with a ready provider token (JWT); or put the token itself into AAPNS_BEARER
    #[arg(long, value_name = "FILE")]
    pub(crate) bearer_file: Option<PathBuf>,
    /// PKCS#12 file of the client certificate and its key
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) p12: Option<PathBuf>,
    /// File with the password of --p12
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) p12_password_file: Option<PathBuf>,
    /// How many connections, or from how many to how many: 2, 1..10
    #[arg(long, value_name = "N|MIN..MAX", default_value = "2")]
    pub(crate) connections: Connections,
    /// Whether to send again when the server may have processed a notification already
    #[arg(long, value_enum, default_value_t, value_name = "POLICY")]
    pub(crate) policy: PolicyName,
    /// How many seconds a notification may take, retries included; none = retry for ever
    #[arg(long, value_name = "SECONDS|none", default_value = "10")]
    pub(crate) timeout: Timeout,
    /// Connect through this HTTP proxy
    #[arg(long, value_name = "http://HOST:PORT", hide = true)]
    pub(crate) proxy: Option<String>,
}

/// `--policy`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum PolicyName {
    /// Send again, and say so: a device may show it twice
    #[default]
    AtLeastOnce,
    /// Don't: it may be lost
    AtMostOnce,
}

/// Reads a file that a flag named.
pub(crate) fn read_file(flag: &str, path: &Path) -> Result<Vec<u8>, Fault> {
    std::fs::read(path).map_err(|error| {
        Fault::file(
            "read",
            path,
            &error,
            &format!("check the path given to {flag}"),
        )
    })
}

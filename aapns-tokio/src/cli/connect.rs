//! Flags that say which server to talk to and as whom.

use std::path::{Path, PathBuf};

use aapns_proto::Policy;
use aapns_proto::client::{Builder, Credential, Endpoint, Proxy};
use aapns_proto::tls::{CredentialError, Identity, Roots, TlsOptions, client_config};
use clap::Args;

use super::exit::{Fault, io_text};
use super::secrets::is_secret;
use super::values::{Connections, Server, Timeout};
use crate::Tokio;

/// Flags of every command that connects.
#[derive(Debug, Args)]
#[command(next_help_heading = "Server and credential")]
pub(crate) struct ConnectArgs {
    /// production, sandbox or https://HOST[:PORT]
    #[arg(long, value_name = "SERVER", default_value = "sandbox")]
    pub(crate) server: Server,
    /// Use port 2197, Apple's alternative where firewalls close 443
    #[arg(long)]
    alt_port: bool,
    /// PEM file of certificate authorities to trust in addition to the built-in ones
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Trust only the authorities of --ca
    #[arg(long, requires = "ca")]
    ca_only: bool,
    /// PEM file of the client certificate, with its key unless --key is given
    #[arg(long, value_name = "FILE", conflicts_with_all = ["token_key", "bearer_file"])]
    cert: Option<PathBuf>,
    /// PEM file of the client certificate's key
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Apple's key file for token authentication (AuthKey_….p8)
    #[arg(long, value_name = "FILE", requires_all = ["key_id", "team_id"], conflicts_with = "bearer_file")]
    token_key: Option<PathBuf>,
    /// The 10 characters that name the key of --token-key
    #[arg(long, value_name = "ID", requires = "token_key")]
    key_id: Option<String>,
    /// The 10 characters that name your team
    #[arg(long, value_name = "ID", requires = "token_key")]
    team_id: Option<String>,
    /// File with a ready provider token (JWT); or put the token itself into AAPNS_BEARER
    #[arg(long, value_name = "FILE")]
    bearer_file: Option<PathBuf>,
    /// PKCS#12 file of the client certificate and its key
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cert", "token_key", "bearer_file"])]
    p12: Option<PathBuf>,
    /// File with the password of --p12
    #[arg(long, value_name = "FILE", requires = "p12")]
    p12_password_file: Option<PathBuf>,
    /// How many connections, or from how many to how many: 2, 1..10
    #[arg(long, value_name = "N|MIN..MAX", default_value = "2")]
    connections: Connections,
    /// Whether to send again when the server may have processed a notification already
    #[arg(long, value_enum, default_value_t, value_name = "POLICY")]
    policy: PolicyName,
    /// How many seconds a notification may take, retries included; none = retry for ever
    #[arg(long, value_name = "SECONDS|none", default_value = "10")]
    pub(crate) timeout: Timeout,
    /// Connect through this HTTP proxy, in place of the one in HTTPS_PROXY; the password of a user goes into AAPNS_PROXY_PASSWORD
    #[arg(long, value_name = "http://[USER@]HOST:PORT")]
    proxy: Option<String>,
}

/// `--policy`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum PolicyName {
    /// Send again, and say so: a device may show it twice
    #[default]
    AtLeastOnce,
    /// Don't: it may be lost
    AtMostOnce,
}

impl ConnectArgs {
    /// Where notifications go.
    pub(crate) fn endpoint(&self) -> Endpoint {
        self.with_port(match &self.server {
            Server::Production => Endpoint::production(),
            Server::Sandbox => Endpoint::sandbox(),
            Server::Other(endpoint) => endpoint.clone(),
        })
    }

    pub(crate) fn policy(&self) -> Policy {
        match self.policy {
            PolicyName::AtLeastOnce => Policy::AtLeastOnce,
            PolicyName::AtMostOnce => Policy::AtMostOnce,
        }
    }

    /// What a client or pool of `endpoint` is made from; every file is read and checked here.
    pub(crate) fn builder(&self, endpoint: Endpoint) -> Result<Builder<Tokio>, Fault> {
        let credential = self.credential()?;
        if matches!(credential, Credential::None) && !matches!(self.server, Server::Other(_)) {
            return Err(Fault::usage(
                "Apple's servers want a credential: give --cert FILE, or --token-key FILE --key-id ID --team-id ID, or --bearer-file FILE",
            ));
        }
        let Connections { min, max } = self.connections;
        let proxy = self.proxy_to(endpoint.host())?;
        let mut builder = Builder::new(Tokio::default(), endpoint)
            .proxy(proxy)
            .credential(credential)
            .connections(min, max)
            .policy(self.policy())
            .timeout(self.timeout.0);
        if let Some(pem) = self.ca_pem()? {
            builder = builder.ca_pem(pem);
        }
        if self.ca_only {
            builder = builder.ca_only();
        }
        Ok(builder)
    }

    /// The proxy on the way to a server: that of `--proxy`, else the environment's.
    pub(crate) fn proxy_to(&self, host: &str) -> Result<Option<Proxy>, Fault> {
        if let Some(proxy) = self.proxy()? {
            return Ok(Some(proxy));
        }
        let proxy = Proxy::of_environment(|name| std::env::var(name).ok(), host)
            .map_err(|error| Fault::usage(format_args!("HTTPS_PROXY: {error}")))?;
        Ok(proxy.map(|proxy| match proxy_password() {
            Some(password) if proxy.lacks_password() => proxy.password(&password),
            _ => proxy,
        }))
    }

    /// The proxy of `--proxy`. Its URL is never repeated: it may hold a password all the same.
    fn proxy(&self) -> Result<Option<Proxy>, Fault> {
        let Some(url) = &self.proxy else {
            return Ok(None);
        };
        // What the variable holds is not on the command line, where every process sees it.
        let is_private = std::env::var("AAPNS_PROXY").is_ok_and(|variable| variable == *url);
        let user = url.rsplit_once('@').map_or("", |(user, _)| user);
        if !is_private && user.rsplit('/').next().is_some_and(|u| u.contains(':')) {
            return Err(Fault::usage(
                "--proxy: a password doesn't belong on the command line; put it into AAPNS_PROXY_PASSWORD",
            ));
        }
        let proxy =
            Proxy::parse(url).map_err(|error| Fault::usage(format_args!("--proxy: {error}")))?;
        Ok(Some(match proxy_password() {
            Some(password) if proxy.lacks_password() => proxy.password(&password),
            _ => proxy,
        }))
    }

    /// The certificate authorities of `--ca`, known to be readable.
    pub(crate) fn ca_pem(&self) -> Result<Option<Vec<u8>>, Fault> {
        self.ca.as_deref().map(read_ca).transpose()
    }

    /// Whether the built-in authorities are not to be trusted.
    pub(crate) fn is_ca_only(&self) -> bool {
        self.ca_only
    }

    /// The client certificate of `--cert` or `--p12`.
    pub(crate) fn identity(&self) -> Result<Option<Identity>, Fault> {
        match (&self.cert, &self.p12) {
            (Some(cert), _) => read_identity(cert, self.key.as_deref()).map(Some),
            (None, Some(p12)) => read_p12(p12, self.p12_password_file.as_deref()).map(Some),
            (None, None) => Ok(None),
        }
    }

    pub(crate) fn credential(&self) -> Result<Credential, Fault> {
        if let Some(identity) = self.identity()? {
            return Ok(identity.into());
        }
        if let (Some(path), Some(key_id), Some(team_id)) =
            (&self.token_key, &self.key_id, &self.team_id)
        {
            let pem = read_file("--token-key", path)?;
            return Credential::from_p8(&pem, key_id, team_id).map_err(|error| {
                Fault::usage(format_args!(
                    "{}: {error}; check --token-key, --key-id and --team-id",
                    path.display()
                ))
            });
        }
        if let Some(path) = &self.bearer_file {
            let jwt = read_file("--bearer-file", path)?;
            return bearer(&String::from_utf8_lossy(&jwt), &path.display().to_string());
        }
        match std::env::var("AAPNS_BEARER") {
            Ok(jwt) if !jwt.is_empty() => bearer(&jwt, "AAPNS_BEARER"),
            _ => Ok(Credential::None),
        }
    }

    fn with_port(&self, endpoint: Endpoint) -> Endpoint {
        if self.alt_port {
            endpoint.alternative_port()
        } else {
            endpoint
        }
    }
}

/// The password of a proxy's user, where its URL has none.
fn proxy_password() -> Option<String> {
    let password = std::env::var("AAPNS_PROXY_PASSWORD").ok();
    password.filter(|password| !password.is_empty())
}

/// Reads a PEM file of certificate authorities.
pub(crate) fn read_ca(path: &Path) -> Result<Vec<u8>, Fault> {
    let pem = read_file("--ca", path)?;
    Roots::only_pem(&pem).map_err(|error| {
        Fault::usage(format_args!(
            "{}: {error}; check the file given to --ca",
            path.display()
        ))
    })?;
    Ok(pem)
}

/// Reads a client certificate and its key, from one PEM file or two.
pub(crate) fn read_identity(cert: &Path, key: Option<&Path>) -> Result<Identity, Fault> {
    let pem = read_file("--cert", cert)?;
    let identity = match key {
        None => Identity::from_pem(&pem),
        Some(key) => Identity::from_pem_pair(&pem, &read_file("--key", key)?),
    };
    identity.and_then(checked).map_err(|error| {
        let files = match key {
            None => cert.display().to_string(),
            Some(key) => format!("{} and {}", cert.display(), key.display()),
        };
        Fault::usage(format_args!("{files}: {error}; check --cert and --key"))
    })
}

/// Reads a PKCS#12 file; without a password file, the password is empty.
fn read_p12(path: &Path, password_file: Option<&Path>) -> Result<Identity, Fault> {
    let der = read_file("--p12", path)?;
    let password = match password_file {
        // Whoever takes it for the password's own flag puts the password here: it isn't repeated.
        Some(file) => std::fs::read(file).map_err(|error| {
            Fault::usage(format_args!(
                "can't read the file given to --p12-password-file: {}; check its path",
                io_text(&error)
            ))
        })?,
        None => Vec::new(),
    };
    let password = String::from_utf8_lossy(&password);
    // Editors end files with a line feed; passwords don't.
    Identity::from_pkcs12(&der, password.trim_end_matches(['\r', '\n']))
        .and_then(checked)
        .map_err(|error| {
            Fault::usage(format_args!(
                "{}: {error}; check --p12 and --p12-password-file",
                path.display()
            ))
        })
}

/// TLS would notice only later, and not know the files, that a key is another certificate's.
fn checked(identity: Identity) -> Result<Identity, CredentialError> {
    let mut options = TlsOptions::default();
    options.roots = Roots::built_in(webpki_roots::TLS_SERVER_ROOTS);
    options.identity = Some(identity.clone());
    client_config(&options)?;
    Ok(identity)
}

/// Reads a file that a flag named.
pub(crate) fn read_file(flag: &str, path: &Path) -> Result<Vec<u8>, Fault> {
    std::fs::read(path).map_err(|error| {
        if is_secret(&path.to_string_lossy()) {
            return Fault::usage(format_args!(
                "{flag} wants the path of a file, not what is in it; write it into a file first"
            ));
        }
        Fault::file(
            "read",
            path,
            &error,
            &format!("check the path given to {flag}"),
        )
    })
}

fn bearer(jwt: &str, place: &str) -> Result<Credential, Fault> {
    let fault = |error: &dyn std::fmt::Display| {
        Fault::usage(format_args!(
            "{place}: {error}; put the JWT there, without the word bearer"
        ))
    };
    let jwt = jwt.trim();
    let parts: Vec<&str> = jwt.split('.').collect();
    if parts.len() != 3 || parts.contains(&"") {
        return Err(fault(&"not a JWT: three base64url parts with dots between"));
    }
    Credential::bearer(jwt).map_err(|error| fault(&error))
}

//! Where the server is.

use std::sync::Arc;

/// Apple's alternative to port 443, for firewalls.
const ALTERNATIVE_PORT: u16 = 2197;

/// Which of Apple's two services: device tokens, channels, and most keys and certificates belong to one.
/// There is no third.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Environment {
    /// The production service: apps from the App Store, TestFlight and for the enterprise.
    Production,
    /// The development service: apps that Xcode installed.
    Sandbox,
}

/// Why a text isn't an [`Environment`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("give production or sandbox")]
pub struct InvalidEnvironment;

impl Environment {
    /// `production` or `sandbox`; `parse` reads them.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Sandbox => "sandbox",
        }
    }
}

impl std::fmt::Display for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Environment {
    type Err = InvalidEnvironment;

    fn from_str(text: &str) -> Result<Self, InvalidEnvironment> {
        [Self::Production, Self::Sandbox]
            .into_iter()
            .find(|environment| environment.as_str() == text)
            .ok_or(InvalidEnvironment)
    }
}

/// An origin: scheme, host and port.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    pub(super) host: Arc<str>,
    pub(super) port: u16,
    pub(super) is_tls: bool,
}

/// Why a text isn't an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a server is `https://HOST` or `https://HOST:PORT`, without path")]
pub struct InvalidEndpoint;

impl Endpoint {
    /// Apple's production service, `api.push.apple.com`.
    pub fn production() -> Self {
        Self::tls("api.push.apple.com", 443)
    }

    /// Apple's development service, `api.sandbox.push.apple.com`.
    pub fn sandbox() -> Self {
        Self::tls("api.sandbox.push.apple.com", 443)
    }

    /// Apple's channel management, production: `api-manage-broadcast.push.apple.com:2196`.
    pub fn channels_production() -> Self {
        Self::tls("api-manage-broadcast.push.apple.com", 2196)
    }

    /// Apple's channel management, development: `api-manage-broadcast.sandbox.push.apple.com:2195`.
    pub fn channels_sandbox() -> Self {
        Self::tls("api-manage-broadcast.sandbox.push.apple.com", 2195)
    }

    /// The other name that Apple's pages print for sending broadcasts, production:
    /// `api-broadcast.push.apple.com`. They go to [`production`](Self::production) otherwise.
    pub fn broadcasts_production() -> Self {
        Self::tls("api-broadcast.push.apple.com", 443)
    }

    /// The same, development: `api-broadcast.sandbox.push.apple.com`.
    pub fn broadcasts_sandbox() -> Self {
        Self::tls("api-broadcast.sandbox.push.apple.com", 443)
    }

    /// Where the channels of this service are managed: at Apple's, a host and a port of its own; at others, here.
    #[must_use]
    pub fn for_channels(&self) -> Self {
        match self.environment() {
            Some(Environment::Production) => Self::channels_production(),
            Some(Environment::Sandbox) => Self::channels_sandbox(),
            None => self.clone(),
        }
    }

    /// Which of Apple's services it is; `None` if it isn't Apple's.
    pub fn environment(&self) -> Option<Environment> {
        let host = self.host.to_ascii_lowercase();
        let name = host.strip_suffix(".push.apple.com")?;
        // `api.development` is the old name.
        if name.ends_with(".sandbox") || name.ends_with(".development") {
            Some(Environment::Sandbox)
        } else {
            Some(Environment::Production)
        }
    }

    /// Any origin: `https://HOST[:PORT]`, or `http://HOST[:PORT]` for HTTP/2 in the clear.
    ///
    /// With `http://` nothing is encrypted and nobody is verified, and provider tokens can be read on the way: it
    /// is for tests.
    ///
    /// # Errors
    /// [`InvalidEndpoint`] for anything else.
    pub fn parse(origin: &str) -> Result<Self, InvalidEndpoint> {
        let (is_tls, rest) = match (
            origin.strip_prefix("https://"),
            origin.strip_prefix("http://"),
        ) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err(InvalidEndpoint),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = split_port(authority)?;
        let is_host = |b: u8| b.is_ascii_alphanumeric() || b"-._:%".contains(&b);
        if host.is_empty() || !host.bytes().all(is_host) {
            return Err(InvalidEndpoint);
        }
        let default = if is_tls { 443 } else { 80 };
        Ok(Self {
            host: host.into(),
            port: port.unwrap_or(default),
            is_tls,
        })
    }

    /// The same on another port.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The same on port 2197, which Apple offers beside 443.
    #[must_use]
    pub fn alternative_port(self) -> Self {
        self.with_port(ALTERNATIVE_PORT)
    }

    /// The host's name or address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn scheme(&self) -> &'static str {
        if self.is_tls { "https" } else { "http" }
    }

    /// `:authority` (RFC 9113 §8.3.1): the port only if it isn't the scheme's own.
    pub(super) fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.to_string()
        };
        match (self.is_tls, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    fn tls(host: &str, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
            is_tls: true,
        }
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.authority())
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.authority())
    }
}

impl std::str::FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        Self::parse(text)
    }
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`.
fn split_port(authority: &str) -> Result<(&str, Option<u16>), InvalidEndpoint> {
    let parse = |port: &str| port.parse().map(Some).map_err(|_| InvalidEndpoint);
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or(InvalidEndpoint)?;
        return match after.strip_prefix(':') {
            Some(port) => Ok((host, parse(port)?)),
            None if after.is_empty() => Ok((host, None)),
            None => Err(InvalidEndpoint),
        };
    }
    match authority.split_once(':') {
        Some((host, port)) if !port.contains(':') => Ok((host, parse(port)?)),
        Some(_) => Err(InvalidEndpoint),
        None => Ok((authority, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_parsed_and_shown_alike() {
        for origin in [
            "https://example.com",
            "https://example.com:8443",
            "http://127.0.0.1:8080",
            "https://[::1]:2197",
        ] {
            let endpoint = Endpoint::parse(origin).expect(origin);
            assert_eq!(endpoint.to_string(), origin);
        }
        let v6 = Endpoint::parse("https://[::1]").expect("v6");
        assert_eq!((v6.host(), v6.port), ("::1", 443));
    }

    #[test]
    fn an_environment_is_read_as_it_is_shown() {
        for environment in [Environment::Production, Environment::Sandbox] {
            assert_eq!(environment.to_string().parse(), Ok(environment));
        }
        assert_eq!("test".parse::<Environment>(), Err(InvalidEnvironment));
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "example.com",
            "ftp://example.com",
            "https://",
            "https://a/b",
            "https://a:b",
            "https://a:70000",
            "https://::1",
            "https://user@host",
            "https://[::1",
        ] {
            assert_eq!(Endpoint::parse(text), Err(InvalidEndpoint), "{text}");
        }
    }

    #[test]
    fn apples_hosts_tell_their_environment_and_where_channels_are_managed() {
        let all = [
            (Endpoint::production(), Environment::Production),
            (Endpoint::broadcasts_production(), Environment::Production),
            (Endpoint::channels_production(), Environment::Production),
            (Endpoint::sandbox(), Environment::Sandbox),
            (Endpoint::broadcasts_sandbox(), Environment::Sandbox),
            (Endpoint::channels_sandbox(), Environment::Sandbox),
        ];
        for (endpoint, environment) in all {
            assert_eq!(endpoint.environment(), Some(environment), "{endpoint}");
            let channels = endpoint.alternative_port().for_channels().to_string();
            let expected = match environment {
                Environment::Production => "https://api-manage-broadcast.push.apple.com:2196",
                Environment::Sandbox => "https://api-manage-broadcast.sandbox.push.apple.com:2195",
            };
            assert_eq!(channels, expected);
        }
        for host in [
            "push.apple.com.example.com",
            "localhost",
            "apipush.apple.com",
        ] {
            let other = Endpoint::parse(&format!("https://{host}")).expect("an origin");
            assert_eq!(other.environment(), None, "{host}");
            assert_eq!(other.for_channels(), other);
        }
        let old = Endpoint::parse("https://API.development.push.apple.com").expect("an origin");
        assert_eq!(old.environment(), Some(Environment::Sandbox));
    }

    #[test]
    fn apples_alternative_port_shows_in_the_authority() {
        assert_eq!(
            Endpoint::sandbox().authority(),
            "api.sandbox.push.apple.com"
        );
        assert_eq!(
            Endpoint::production().alternative_port().authority(),
            "api.push.apple.com:2197"
        );
    }
}

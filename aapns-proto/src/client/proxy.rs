//! HTTP CONNECT (RFC 9110 §9.3.6): the little protocol before TLS, as pure functions.

use std::fmt;
use std::io;

use crate::base64;
use crate::limits::PROXY_RESPONSE;

/// An HTTP proxy that tunnels by CONNECT. `Debug` shows no password.
///
/// An adapter connects to [`host`](Self::host) and [`port`](Self::port), writes
/// [`request`](Self::request), and reads until [`response`](Self::response) says that the tunnel is
/// open; then it shakes hands with the server through it.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    host: String,
    port: u16,
    credentials: Option<String>,
}

/// Why a proxy can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// The URL isn't `http://[USER:PASSWORD@]HOST[:PORT]`.
    #[error("a proxy is http://[USER:PASSWORD@]HOST[:PORT], and this is not: {0}")]
    Url(&'static str),
    /// The proxy refused the tunnel, with this status.
    #[error("the proxy refused the tunnel with status {0}{hint}", hint = hint(*.0))]
    Refused(u16),
    /// The proxy's answer isn't HTTP/1.
    #[error("the proxy's answer is not HTTP/1")]
    NotHttp,
    /// The head of the proxy's answer has no end within the bound.
    #[error("the proxy's answer is longer than {PROXY_RESPONSE} octets")]
    TooLong,
}

fn hint(status: u16) -> &'static str {
    match status {
        407 => ": it wants a user and a password",
        403 => ": it does not allow this host and port",
        502..=504 => ": it can't reach the server",
        _ => "",
    }
}

impl Proxy {
    /// Reads `http://[USER:PASSWORD@]HOST[:PORT]`, as `HTTPS_PROXY` has it; the port is 80 if absent.
    ///
    /// # Errors
    /// [`ProxyError::Url`] says which part is wrong; the URL itself isn't repeated, for its password.
    pub fn parse(url: &str) -> Result<Self, ProxyError> {
        let rest = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some(_) => return Err(ProxyError::Url("its scheme is not http")),
            None => url,
        };
        let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (user, address) = match rest.rsplit_once('@') {
            Some((user, address)) => (Some(user), address),
            None => (None, rest),
        };
        let (host, port) = split_port(address)?;
        let credentials = user.map(decode_percent).transpose()?;
        Ok(Self {
            host,
            port,
            credentials,
        })
    }

    /// Sets the user and the password (RFC 7617).
    #[must_use]
    pub fn credentials(mut self, user: &str, password: &str) -> Self {
        self.credentials = Some(format!("{user}:{password}"));
        self
    }

    /// Sets the password of the user that the URL named.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        let user = self.credentials.as_deref().unwrap_or_default();
        let user = user.split(':').next().unwrap_or_default();
        self.credentials = Some(format!("{user}:{password}"));
        self
    }

    /// Whether the URL named a user and no password.
    pub fn lacks_password(&self) -> bool {
        let lacks = |user: &str| !user.is_empty() && !user.contains(':');
        self.credentials.as_deref().is_some_and(lacks)
    }

    /// The proxy that the environment names for a host: `HTTPS_PROXY`, unless `NO_PROXY` exempts the host.
    /// As with curl, either name may be in lower case, which leads.
    ///
    /// # Errors
    /// [`ProxyError::Url`] if the variable's value isn't a proxy.
    pub fn of_environment(
        variable: impl Fn(&str) -> Option<String>,
        host: &str,
    ) -> Result<Option<Self>, ProxyError> {
        let either = |name: &str| variable(&name.to_lowercase()).or_else(|| variable(name));
        let url = either("HTTPS_PROXY").unwrap_or_default();
        if url.trim().is_empty() || is_exempt(&either("NO_PROXY").unwrap_or_default(), host) {
            return Ok(None);
        }
        Self::parse(url.trim()).map(Some)
    }

    /// Host name or address of the proxy, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Port of the proxy.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What to send to the proxy first.
    pub fn request(&self, host: &str, port: u16) -> Vec<u8> {
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
        if let Some(credentials) = &self.credentials {
            request += "Proxy-Authorization: Basic ";
            request += &base64::encode(credentials.as_bytes());
            request += "\r\n";
        }
        request += "\r\n";
        request.into_bytes()
    }

    /// What a connection means that broke before the answer was there.
    pub fn lost(error: io::Error) -> io::Error {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                io::Error::other("the proxy closed the connection before its answer was there")
            }
            _ => error,
        }
    }

    /// Judges what the proxy has answered so far: `true` once the tunnel is open, `false` if octets are missing.
    ///
    /// Read one octet at a time, or no more than up to the blank line: what follows it is the server's.
    ///
    /// # Errors
    /// [`ProxyError`]: the tunnel is refused, or the answer isn't one.
    pub fn response(answer: &[u8]) -> Result<bool, ProxyError> {
        let expected = b"HTTP/1.";
        if !answer.iter().zip(expected).all(|(a, b)| a == b) {
            return Err(ProxyError::NotHttp);
        }
        if answer.len() > PROXY_RESPONSE {
            return Err(ProxyError::TooLong);
        }
        if !answer.ends_with(b"\r\n\r\n") {
            return Ok(false);
        }
        let status = answer
            .get(9..12)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match status.and_then(|digits| digits.parse().ok()) {
            Some(200..=299) => Ok(true),
            Some(status) => Err(ProxyError::Refused(status)),
            None => Err(ProxyError::NotHttp),
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({}:{})", self.host, self.port)
    }
}

fn split_port(address: &str) -> Result<(String, u16), ProxyError> {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => rest
            .split_once(']')
            .ok_or(ProxyError::Url("a bracket is not closed"))?,
        None => address.split_at(address.find(':').unwrap_or(address.len())),
    };
    let port = match port.strip_prefix(':') {
        Some(port) => port
            .parse()
            .map_err(|_| ProxyError::Url("its port is not a number up to 65535"))?,
        None => 80,
    };
    if host.is_empty() || host.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err(ProxyError::Url("it names no host"));
    }
    Ok((host.to_owned(), port))
}

fn decode_percent(text: &str) -> Result<String, ProxyError> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            octets.push(*first);
            continue;
        }
        let digits = after
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let octet = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        octets.push(octet.ok_or(ProxyError::Url(
            "a % in user or password is not followed by two hex digits",
        ))?);
        rest = after.get(2..).unwrap_or_default();
    }
    String::from_utf8(octets).map_err(|_| ProxyError::Url("user or password is not UTF-8"))
}

/// `NO_PROXY`: `*`, or names and addresses between commas; a name covers the names below it.
fn is_exempt(no_proxy: &str, host: &str) -> bool {
    no_proxy
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .any(|entry| {
            let name = entry.trim_start_matches("*.").trim_start_matches('.');
            let tail = host
                .len()
                .checked_sub(name.len())
                .and_then(|at| host.split_at_checked(at));
            entry == "*"
                || tail.is_some_and(|(front, tail)| {
                    tail.eq_ignore_ascii_case(name) && (front.is_empty() || front.ends_with('.'))
                })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_gives_host_port_and_credentials() {
        let proxy = Proxy::parse("http://us%40er:p%3Aw@proxy.example:3128/").unwrap();
        assert_eq!((proxy.host(), proxy.port()), ("proxy.example", 3128));
        let request = String::from_utf8(proxy.request("api.push.apple.com", 443)).unwrap();
        assert_eq!(
            request,
            "CONNECT api.push.apple.com:443 HTTP/1.1\r\nHost: api.push.apple.com:443\r\n\
             Proxy-Authorization: Basic dXNAZXI6cDp3\r\n\r\n"
        );
        assert_eq!(Proxy::parse("[::1]:8080").unwrap().port(), 8080);
        assert_eq!(Proxy::parse("proxy").unwrap().port(), 80);
    }

    #[test]
    fn a_url_that_is_no_proxy_is_refused_without_repeating_it() {
        for url in [
            "socks5://a",
            "https://a:1",
            "http://",
            "a:99999",
            "[::1",
            "http://%zz@a",
        ] {
            let error = Proxy::parse(url).unwrap_err();
            assert!(matches!(error, ProxyError::Url(_)), "{url}");
        }
        let proxy = Proxy::parse("http://user:secret@host").unwrap();
        assert!(!format!("{proxy:?}").contains("secret"));
    }

    #[test]
    fn the_tunnel_is_open_after_the_blank_line_of_a_2xx() {
        let answer = b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n";
        for end in 0..answer.len() {
            assert_eq!(Proxy::response(&answer[..end]), Ok(false), "{end}");
        }
        assert_eq!(Proxy::response(answer), Ok(true));
        let refused = Proxy::response(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
        assert_eq!(refused, Err(ProxyError::Refused(407)));
        assert_eq!(Proxy::response(b"SSH-2.0"), Err(ProxyError::NotHttp));
        assert_eq!(
            Proxy::response(b"HTTP/1.1 abc\r\n\r\n"),
            Err(ProxyError::NotHttp)
        );
        let mut endless = b"HTTP/1.1 200 OK\r\n".to_vec();
        endless.resize(PROXY_RESPONSE + 1, b'x');
        assert_eq!(Proxy::response(&endless), Err(ProxyError::TooLong));
    }

    #[test]
    fn a_user_without_a_password_lacks_one() {
        for (url, lacks) in [
            ("http://p", false),
            ("http://@p", false),
            ("http://user@p", true),
            ("http://user:@p", false),
            ("http://user:own@p", false),
        ] {
            assert_eq!(Proxy::parse(url).unwrap().lacks_password(), lacks, "{url}");
        }
    }

    #[test]
    fn no_proxy_exempts_names_and_what_is_below_them() {
        let variables = |no_proxy: &str, host: &str| {
            let variable = |name: &str| match name {
                "HTTPS_PROXY" => Some(" http://p ".to_owned()),
                "no_proxy" => Some(no_proxy.to_owned()),
                _ => None,
            };
            Proxy::of_environment(variable, host).unwrap()
        };
        assert!(variables("localhost, .apple.com", "api.push.apple.com").is_none());
        assert!(variables("apple.com", "api.push.APPLE.com").is_none());
        assert!(variables("*", "anything").is_none());
        assert!(variables("apple.com", "pineapple.com").is_some());
        assert!(variables("", "api.push.apple.com").is_some());
    }

    #[test]
    fn a_proxy_of_the_environment_must_be_one_unless_it_is_empty() {
        let only = |value: &'static str| {
            let variable = move |name: &str| (name == "https_proxy").then(|| value.to_owned());
            Proxy::of_environment(variable, "a")
        };
        assert_eq!(only(" "), Ok(None));
        assert_eq!(only("p:3128"), Proxy::parse("http://p:3128").map(Some));
        assert!(only("socks5://p").is_err());
    }
}

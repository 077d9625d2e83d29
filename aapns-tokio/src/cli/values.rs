//! Values of flags that several commands take.

use std::str::FromStr;
use std::time::Duration;

/// `--connections N` or `MIN..MAX`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Connections {
    pub(crate) min: usize,
    pub(crate) max: usize,
}

impl FromStr for Connections {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.trim().parse::<usize>().ok();
        let (min, max) = match text.split_once("..") {
            Some((min, max)) => (number(min), number(max.trim_start_matches('='))),
            None => (number(text), number(text)),
        };
        match (min, max) {
            (Some(min), Some(max)) if (1..=max).contains(&min) && max <= 512 => {
                Ok(Self { min, max })
            }
            _ => Err("give a number from 1 to 512, or two like 1..10".to_owned()),
        }
    }
}

/// `--timeout SECONDS` or `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timeout(pub(crate) Option<Duration>);

impl FromStr for Timeout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("none") {
            return Ok(Self(None));
        }
        text.parse::<f64>()
            .ok()
            .filter(|seconds| *seconds > 0.0)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .map(|timeout| Self(Some(timeout)))
            .ok_or_else(|| "give a number of seconds above 0, or none".to_owned())
    }
}

/// `--server production|sandbox|https://HOST[:PORT]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ServerName {
    Production,
    Sandbox,
    /// A host and, if given, a port.
    Other(String, Option<u16>),
}

impl FromStr for ServerName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "production" => return Ok(Self::Production),
            "sandbox" | "development" => return Ok(Self::Sandbox),
            _ => {}
        }
        let wrong = || "give production, sandbox or https://HOST[:PORT]".to_owned();
        let rest = text.strip_prefix("https://").ok_or_else(wrong)?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.is_empty() || authority.contains(['/', '?', '#', '@', ' ']) {
            return Err(wrong());
        }
        let (host, port) = split_port(authority).ok_or_else(wrong)?;
        Ok(Self::Other(host.to_owned(), port))
    }
}

/// Splits `HOST`, `HOST:PORT`, `[V6]` or `[V6]:PORT`; a v6 address comes out bare.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (
                host,
                (!port.is_empty())
                    .then(|| port.strip_prefix(':'))
                    .map_or(Some(None), |p| p.map(Some))?,
            )
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = match port {
        Some(port) => Some(port.parse().ok().filter(|port| *port != 0)?),
        None => None,
    };
    (!host.is_empty()).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_a_number_or_a_range() {
        assert_eq!("3".parse(), Ok(Connections { min: 3, max: 3 }));
        assert_eq!("1..10".parse(), Ok(Connections { min: 1, max: 10 }));
        for wrong in ["", "0", "3..2", "1..", "x", "1..513", "-1"] {
            assert!(wrong.parse::<Connections>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_timeout_is_seconds_or_none() {
        assert_eq!("none".parse(), Ok(Timeout(None)));
        assert_eq!("0.5".parse(), Ok(Timeout(Some(Duration::from_millis(500)))));
        for wrong in ["", "0", "-1", "nan", "inf", "1e99", "ten"] {
            assert!(wrong.parse::<Timeout>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_server_is_a_name_or_an_https_origin() {
        let other = |host: &str, port| Ok(ServerName::Other(host.to_owned(), port));
        assert_eq!("production".parse(), Ok(ServerName::Production));
        assert_eq!("https://localhost".parse(), other("localhost", None));
        assert_eq!(
            "https://localhost:8443/".parse(),
            other("localhost", Some(8443))
        );
        assert_eq!("https://[::1]:8443".parse(), other("::1", Some(8443)));
        assert_eq!("https://[::1]".parse(), other("::1", None));
        for wrong in [
            "",
            "prod",
            "http://x",
            "https://",
            "https://x:",
            "https://x:0",
            "https://x:70000",
            "https://u@x",
            "https://x/y",
            "https://[::1",
            "https://[::1]8",
        ] {
            assert!(wrong.parse::<ServerName>().is_err(), "{wrong}");
        }
    }
}

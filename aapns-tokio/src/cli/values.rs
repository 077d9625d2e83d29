//! Values of flags that several commands take.

use std::str::FromStr;
use std::time::Duration;

use aapns_proto::client::Endpoint;

/// `--connections N` or `MIN..MAX`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Connections {
    pub(crate) min: u16,
    pub(crate) max: u16,
}

impl FromStr for Connections {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.trim().parse::<u16>().ok();
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
pub(crate) enum Server {
    Production,
    Sandbox,
    Other(Endpoint),
}

impl FromStr for Server {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "production" => Ok(Self::Production),
            "sandbox" => Ok(Self::Sandbox),
            origin if origin.starts_with("https://") => {
                Endpoint::parse(origin)
                    .map_err(|_| ())
                    .and_then(|endpoint| {
                        // Nobody can listen there.
                        let is_port = endpoint.port() != 0;
                        is_port.then_some(Self::Other(endpoint)).ok_or(())
                    })
            }
            _ => Err(()),
        }
        .map_err(|()| {
            "give production, sandbox or https://HOST[:PORT], with a port from 1 to 65535"
                .to_owned()
        })
    }
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
        assert_eq!("production".parse(), Ok(Server::Production));
        assert_eq!("sandbox".parse(), Ok(Server::Sandbox));
        let other = "https://localhost:8443".parse::<Server>().unwrap();
        assert!(matches!(other, Server::Other(endpoint) if endpoint.host() == "localhost"));
        for wrong in [
            "",
            "prod",
            "localhost",
            "http://x",
            "https://",
            "https://x/y",
            "https://x:0",
            "https://x:65536",
        ] {
            assert!(wrong.parse::<Server>().is_err(), "{wrong}");
        }
    }
}

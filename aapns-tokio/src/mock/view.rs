//! What the mock received, as JSON: for `GET /__mock/requests` and for the page.

use std::collections::BTreeMap;

use http::{HeaderMap, Method, StatusCode};
use serde::Serialize;
use serde_json::Value;

use super::ledger::{Counts, Ledger, Received};

/// Under this path the mock is asked about itself; it isn't Apple's.
const PREFIX: &str = "/__mock/";
const REQUESTS: &str = "/__mock/requests";

/// Whether a path is the mock's own.
pub(super) fn is_own(path: &str) -> bool {
    path.starts_with(PREFIX)
}

/// An answer about the mock itself.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) json: String,
}

/// Answers a request for the mock itself.
///
/// `GET /__mock/requests` shows the requests that are kept, oldest first: with `?limit=N` the last N of
/// them, with `?after=N` those after number N. `DELETE` forgets them.
pub(super) fn answer(ledger: &mut Ledger, method: &Method, target: &str) -> Reply {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if path != REQUESTS {
        return refuse(StatusCode::NOT_FOUND, "there is only /__mock/requests");
    }
    match *method {
        Method::GET => match Window::parse(query) {
            Ok(window) => Reply {
                status: StatusCode::OK,
                json: window.show(ledger),
            },
            Err(fault) => refuse(StatusCode::BAD_REQUEST, fault),
        },
        Method::DELETE => {
            ledger.forget();
            Reply {
                status: StatusCode::NO_CONTENT,
                json: String::new(),
            }
        }
        _ => refuse(StatusCode::METHOD_NOT_ALLOWED, "GET or DELETE"),
    }
}

fn refuse(status: StatusCode, fault: &str) -> Reply {
    Reply {
        status,
        json: serde_json::json!({ "error": fault }).to_string(),
    }
}

/// Which requests are wanted.
struct Window {
    after: u64,
    limit: usize,
}

impl Window {
    fn parse(query: &str) -> Result<Self, &'static str> {
        let mut window = Self {
            after: 0,
            limit: usize::MAX,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("limit", n)) => window.limit = n.parse().map_err(|_| "limit is a number")?,
                Some(("after", n)) => window.after = n.parse().map_err(|_| "after is a number")?,
                _ => return Err("the query knows limit and after"),
            }
        }
        Ok(window)
    }

    fn show(&self, ledger: &Ledger) -> String {
        let last = ledger.last().filter(|request| request.number > self.after);
        let mut requests: Vec<_> = last.rev().take(self.limit).map(Shown::new).collect();
        requests.reverse();
        let view = View {
            counts: ledger.counts,
            keep: ledger.keep,
            requests,
        };
        serde_json::to_string(&view).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct View<'a> {
    counts: Counts,
    /// At most so many are kept.
    keep: usize,
    requests: Vec<Shown<'a>>,
}

#[derive(Serialize)]
struct Shown<'a> {
    number: u64,
    at_ms: u64,
    connection: u64,
    method: &'a str,
    path: &'a str,
    device_token: Option<&'a str>,
    apns_id: &'a str,
    headers: BTreeMap<&'a str, String>,
    /// JSON if it is, else text.
    payload: Value,
    status: u16,
    reason: Option<&'a str>,
}

impl<'a> Shown<'a> {
    fn new(request: &'a Received) -> Self {
        Self {
            number: request.number,
            at_ms: request.at_ms,
            connection: request.connection,
            method: request.parts.method.as_str(),
            path: request.parts.uri.path(),
            device_token: request.device_token(),
            apns_id: &request.apns_id,
            headers: headers(&request.parts.headers),
            payload: serde_json::from_slice(&request.body)
                .unwrap_or_else(|_| String::from_utf8_lossy(&request.body).into()),
            status: request.status,
            reason: request.reason.as_deref(),
        }
    }
}

/// A provider token is a secret: that there was one is all that is shown.
fn headers(fields: &HeaderMap) -> BTreeMap<&str, String> {
    let mut shown: BTreeMap<&str, String> = BTreeMap::new();
    for (name, value) in fields {
        let text = match name.as_str() {
            "authorization" => "bearer …".into(),
            _ => String::from_utf8_lossy(value.as_bytes()),
        };
        let line = shown.entry(name.as_str()).or_default();
        if !line.is_empty() {
            line.push_str(", ");
        }
        line.push_str(&text);
    }
    shown
}

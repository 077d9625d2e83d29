//! What the bench sends.

use aapns_models::{Alert, DeviceToken, Expiration, Notification, Priority, Topic};
use aapns_proto::{Fields, Head, InvalidField, Method, Request};
use bytes::Bytes;

use super::drive::Failure;
use crate::{Answer, Client, Pool, Post, PostError, SendError, Sending, Sent};

/// The body of each request: 200 octets.
pub(super) const PAYLOAD: &str = r#"{"aps":{"alert":{"title":"New message","body":"Alice: are we still on for lunch at noon today? The place around the corner has opened aga"},"badge":3,"sound":"default"},"thread":"a81f","id":123456789}"#;

/// The topic of each request.
const TOPIC: &str = "com.example.bench";

/// How many made-up device tokens take turns.
const TOKENS: u64 = 4096;

/// Requests that are ready but for their path.
pub(super) struct Ready {
    requests: Vec<Request>,
}

impl Ready {
    pub(super) fn new(body: Vec<u8>) -> Result<Self, InvalidField> {
        let fields = Fields::new()
            .with("apns-topic", TOPIC)?
            .with("apns-push-type", "alert")?
            .with("apns-priority", "10")?
            .with("apns-expiration", "0")?;
        let head = Head::new(Method::POST, fields);
        let body = Bytes::from(body);
        let requests = (0..TOKENS).map(|n| {
            let path = format!("/3/device/{}", made_up_token(n));
            Request::new(head.clone(), path, body.clone())
        });
        Ok(Self {
            requests: requests.collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn request(&self, n: u64) -> Request {
        self.requests[(n % TOKENS) as usize].clone()
    }

    pub(super) fn post(&self, pool: &Pool, n: u64) -> Post {
        pool.post(self.request(n))
    }
}

/// An answer is ok with status 200 and the id that the server gave it.
pub(super) fn answered(result: Result<Answer, PostError>) -> Result<(), Failure> {
    match result {
        Ok(answer) if answer.status() == 200 && answer.apns_id().is_some() => Ok(()),
        Ok(answer) => Err(Failure(format!("status {}", answer.status()))),
        Err(error) => Err(Failure(error.to_string())),
    }
}

/// Notifications that are built and written anew for each request.
pub(super) struct Typed {
    tokens: Vec<DeviceToken>,
    topic: Topic,
}

impl Typed {
    pub(super) fn new() -> Self {
        let token = |n| DeviceToken::new(made_up_token(n)).expect("64 hexadecimal digits");
        Self {
            tokens: (0..TOKENS).map(token).collect(),
            topic: Topic::new(TOPIC).expect("a topic"),
        }
    }

    pub(super) fn send(&self, client: &Client, n: u64) -> Sending {
        let notification = Notification::alert(
            Alert::new()
                .title("New message")
                .body("Alice: are we still on for lunch at noon today? The place around the corner has opened aga"),
        )
        .badge(3)
        .sound("default")
        .topic(self.topic.clone())
        .priority(Priority::Immediate)
        .expiration(Expiration::Immediately)
        .data("thread", "a81f")
        .and_then(|notification| notification.data("id", 123_456_789))
        .expect("a string and a number are JSON");
        client.send(&self.tokens[(n % TOKENS) as usize], &notification)
    }
}

/// Sent is ok.
pub(super) fn sent(result: Result<Sent, SendError>) -> Result<(), Failure> {
    result.map(drop).map_err(|error| Failure(error.to_string()))
}

/// 64 hexadecimal digits that look like a token's; the same for the same number (SplitMix64).
pub(crate) fn made_up_token(n: u64) -> String {
    let mut state = n.wrapping_mul(0xd1b5_4a32_d192_ed03);
    let mut word = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    format!(
        "{:016x}{:016x}{:016x}{:016x}",
        word(),
        word(),
        word(),
        word()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_200_octets_and_is_json() {
        assert_eq!(PAYLOAD.len(), 200);
        assert!(serde_json::from_str::<serde_json::Value>(PAYLOAD).is_ok());
    }

    #[test]
    fn made_up_tokens_differ() {
        let tokens: std::collections::BTreeSet<String> = (0..TOKENS).map(made_up_token).collect();
        assert_eq!(tokens.len() as u64, TOKENS);
        assert!(
            tokens
                .iter()
                .all(|token| DeviceToken::is_valid(token) && token.len() == 64)
        );
    }
}

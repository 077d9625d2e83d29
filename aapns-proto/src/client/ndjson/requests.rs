//! From a line to a request, in as few allocations as it takes.

use aapns_models::ndjson::InputLine;
use aapns_models::{ApnsId, Priority, PushType};
use bytes::Bytes;

use crate::request::{Fields, Head, InvalidField, Method, Request};

/// Combinations of topic, push type and priority that are kept; a file has a handful.
const HEADS: usize = 64;

/// The path of a push, before the device token.
const PATH: &str = "/3/device/";

/// Makes requests whose heads are shared: one for each topic, push type and priority, the last 64 of them.
#[derive(Debug, Default)]
pub struct Requests {
    heads: Vec<Known>,
    /// Where the next new head goes: the oldest one's place, once there are `HEADS`.
    next: usize,
}

#[derive(Debug)]
struct Known {
    topic: Option<Box<str>>,
    push_type: PushType,
    priority: Option<Priority>,
    head: Head,
}

impl Requests {
    /// The request of a line, under this id.
    ///
    /// # Errors
    /// [`InvalidField`] if a value can't be a field; never for a line that was parsed, whose values were checked.
    pub fn make(&mut self, line: &InputLine<'_>, apns_id: ApnsId) -> Result<Request, InvalidField> {
        let head = self.head(line)?;
        let mut path = String::with_capacity(PATH.len() + line.device_token.len());
        path.push_str(PATH);
        path.push_str(&line.device_token);
        let body = Bytes::copy_from_slice(line.payload);
        let mut request = Request::new(head, path, body)?.field("apns-id", apns_id.encode())?;
        if let Some(seconds) = line.expiration.as_unix() {
            request = request.field("apns-expiration", seconds.to_string())?;
        }
        if let Some(id) = &line.collapse_id {
            request = request.field("apns-collapse-id", id.as_bytes())?;
        }
        Ok(request)
    }

    fn head(&mut self, line: &InputLine<'_>) -> Result<Head, InvalidField> {
        let found = self.heads.iter().find(|known| {
            known.topic.as_deref() == line.topic.as_deref()
                && known.priority == line.priority
                && known.push_type == line.push_type
        });
        if let Some(known) = found {
            return Ok(known.head.clone());
        }
        let head = make_head(line)?;
        let known = Known {
            topic: line.topic.as_deref().map(Into::into),
            push_type: line.push_type.clone(),
            priority: line.priority,
            head: head.clone(),
        };
        match self.heads.get_mut(self.next) {
            Some(oldest) => *oldest = known,
            None => self.heads.push(known),
        }
        self.next = (self.next + 1) % HEADS;
        Ok(head)
    }
}

#[cfg(feature = "rustls")]
impl Requests {
    /// The request of a line, if the pool's credential may send it.
    ///
    /// # Errors
    /// The line's settlement. What a line can't be it never can; of what the credential can't do, another one may
    /// do all.
    pub fn make_for<R: crate::client::Runtime>(
        &mut self,
        pool: &crate::client::Pool<R>,
        line: &InputLine<'_>,
        apns_id: ApnsId,
    ) -> Result<Request, super::Settlement> {
        use super::Settlement;
        use aapns_models::ndjson::Outcome;

        let request = self
            .make(line, apns_id)
            .map_err(|error| Settlement::invalid(error.to_string()))?;
        match pool.judge(&request) {
            Ok(()) => Ok(request),
            Err(fault) => Err(Settlement::unsent(Outcome::NotProcessed, fault.to_string())),
        }
    }
}

/// The device token in the path of a request that [`Requests`] made.
pub fn device_token(request: &Request) -> &str {
    let token = request.path().get(PATH.len()..).unwrap_or_default();
    std::str::from_utf8(token).unwrap_or_default()
}

fn make_head(line: &InputLine<'_>) -> Result<Head, InvalidField> {
    let mut fields = Fields::new();
    if let Some(topic) = &line.topic {
        fields.push("apns-topic", topic.as_bytes())?;
    }
    fields.push("apns-push-type", line.push_type.as_str())?;
    if let Some(priority) = line.priority {
        fields.push("apns-priority", priority.as_str())?;
    }
    Ok(Head::new(Method::POST, fields))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aapns_models::ndjson::Defaults;

    fn make(requests: &mut Requests, line: &str) -> Request {
        let defaults = Defaults::default();
        let line = InputLine::parse(line.as_bytes(), 1, &defaults).expect("good");
        requests.make(&line, ApnsId::from_u128(1)).expect("good")
    }

    #[test]
    fn a_request_has_all_that_the_line_asks_for() {
        let line = r#"{"device_token":"abcd","payload":{},"topic":"com.example","push_type":"voip","priority":10,"expiration":0,"collapse_id":"c"}"#;
        let request = make(&mut Requests::default(), line);
        assert_eq!(request.path(), b"/3/device/abcd");
        assert_eq!(device_token(&request), "abcd");
        assert_eq!(&request.body()[..], b"{}");
        let head = request.head().fields();
        assert_eq!(head.get("apns-topic"), Some(&b"com.example.voip"[..]));
        assert_eq!(head.get("apns-push-type"), Some(&b"voip"[..]));
        assert_eq!(head.get("apns-priority"), Some(&b"10"[..]));
        assert_eq!(request.fields().get("apns-expiration"), Some(&b"0"[..]));
        assert_eq!(request.fields().get("apns-collapse-id"), Some(&b"c"[..]));
        assert_eq!(
            request.fields().get("apns-id"),
            Some(&b"00000000-0000-0000-0000-000000000001"[..])
        );
    }

    #[test]
    fn heads_are_shared_and_bounded() {
        let mut requests = Requests::default();
        let line =
            |topic: usize| format!(r#"{{"device_token":"ab","payload":{{}},"topic":"t{topic}"}}"#);
        let first = make(&mut requests, &line(1));
        let second = make(&mut requests, &line(1));
        assert!(first.head().is_same(second.head()));
        for number in 0..3 * HEADS {
            make(&mut requests, &line(number));
        }
        assert_eq!(requests.heads.len(), HEADS);
    }
}

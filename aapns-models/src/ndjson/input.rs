//! One line in: whom to send what.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Text;
use crate::topic::{is_name, suffixed};
use crate::{ApnsId, CollapseId, DeviceToken, Expiration, InvalidValue, Priority, PushType, Topic};

/// What holds for lines that don't say otherwise: `let mut defaults = Defaults::default();`, and set
/// what there is.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Defaults {
    /// The topic: a bundle id, to which each line's push type adds its suffix.
    pub topic: Option<Topic>,
    /// The push type; without one it is told by the payload.
    pub push_type: Option<PushType>,
    /// The priority; background pushes have 5 all the same.
    pub priority: Option<Priority>,
    /// The expiration.
    pub expiration: Expiration,
    /// The collapse id.
    pub collapse_id: Option<CollapseId>,
}

/// A line that can be sent: every field is checked, and borrows from the line where it can.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InputLine<'a> {
    /// A valid [`DeviceToken`], as the line spells it.
    pub device_token: Cow<'a, str>,
    /// `apns-id`, if the line has one.
    pub apns_id: Option<ApnsId>,
    /// `apns-topic`, suffix included.
    pub topic: Option<Cow<'a, str>>,
    /// `apns-push-type`: as the line says, else the default, else `background` if `aps` has
    /// `content-available` and neither alert, badge nor sound, else `alert`.
    pub push_type: PushType,
    /// `apns-priority`.
    pub priority: Option<Priority>,
    /// `apns-expiration`.
    pub expiration: Expiration,
    /// `apns-collapse-id`.
    pub collapse_id: Option<Cow<'a, str>>,
    /// The body: the very octets of the line.
    pub payload: &'a [u8],
}

/// Shows the fields that are no secret.
impl fmt::Debug for InputLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InputLine")
            .field("apns_id", &self.apns_id)
            .field("topic", &self.topic)
            .field("push_type", &self.push_type)
            .field("priority", &self.priority)
            .field("expiration", &self.expiration)
            .field("collapse_id", &self.collapse_id)
            .field("payload", &format_args!("{} octets", self.payload.len()))
            .finish_non_exhaustive()
    }
}

/// A line that can't be a notification.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
#[non_exhaustive]
pub struct InvalidLine {
    /// Its number, from 1.
    pub line: u64,
    /// Its device token as it is spelled, if that much could be read.
    pub device_token: Option<String>,
    /// Its `apns_id`, if that much could be read.
    pub apns_id: Option<ApnsId>,
    /// What is wrong: the field and the rule.
    pub reason: String,
}

impl fmt::Debug for InvalidLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InvalidLine({self})")
    }
}

/// The line as it is written, unchecked.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    device_token: Option<Text<'a>>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    #[serde(borrow)]
    apns_id: Option<Text<'a>>,
    #[serde(borrow)]
    topic: Option<Text<'a>>,
    #[serde(borrow)]
    push_type: Option<Text<'a>>,
    priority: Option<u64>,
    expiration: Option<u64>,
    #[serde(borrow)]
    collapse_id: Option<Text<'a>>,
}

impl<'a> InputLine<'a> {
    /// A line that was never written: a valid device token, a push type and the body. The other fields can be set.
    pub fn new(
        device_token: impl Into<Cow<'a, str>>,
        push_type: PushType,
        payload: &'a [u8],
    ) -> Self {
        Self {
            device_token: device_token.into(),
            apns_id: None,
            topic: None,
            push_type,
            priority: None,
            expiration: Expiration::Absent,
            collapse_id: None,
            payload,
        }
    }

    /// Reads a line, without the line feed; `number` counts from 1. Keys that mean nothing here are
    /// passed over, and `null` means absent.
    ///
    /// # Errors
    /// [`InvalidLine`] with what could be read of it, and the first rule that it breaks.
    pub fn parse(line: &'a [u8], number: u64, defaults: &'a Defaults) -> Result<Self, InvalidLine> {
        // serde takes an array for a struct, too.
        if !line.trim_ascii_start().starts_with(b"{") {
            return Err(not_an_object(line, number));
        }
        match serde_json::from_slice::<Wire<'a>>(line) {
            Ok(mut wire) => {
                let token = wire.device_token.take();
                Self::check(&token, wire, defaults).map_err(|(apns_id, reason)| InvalidLine {
                    line: number,
                    device_token: token.map(|token| token.0.into_owned()),
                    apns_id,
                    reason,
                })
            }
            Err(error) => Err(salvage(line, number, &error)),
        }
    }

    /// Applies the rules of each field; an error comes with the `apns_id` if that was good.
    fn check(
        device_token: &Option<Text<'a>>,
        wire: Wire<'a>,
        defaults: &'a Defaults,
    ) -> Result<Self, (Option<ApnsId>, String)> {
        let apns_id = match &wire.apns_id {
            Some(text) => Some(
                ApnsId::parse_bytes(text.0.as_bytes())
                    .ok_or_else(|| (None, rule("apns_id", InvalidValue::ApnsId)))?,
            ),
            None => None,
        };
        let fail = |reason: String| (apns_id, reason);
        let device_token = match device_token {
            None => return Err(fail("device_token: must be there".to_owned())),
            Some(token) if DeviceToken::is_valid(&token.0) => token.0.clone(),
            Some(_) => return Err(fail(rule("device_token", InvalidValue::DeviceToken))),
        };
        let payload = match wire.payload {
            None => return Err(fail("payload: must be there".to_owned())),
            Some(raw) => raw.get().as_bytes(),
        };
        if payload.first() != Some(&b'{') {
            return Err(fail("payload: must be an object".to_owned()));
        }
        let push_type = match (wire.push_type, &defaults.push_type) {
            (Some(text), _) => text
                .0
                .parse()
                .map_err(|error| fail(rule("push_type", error)))?,
            (None, Some(push_type)) => push_type.clone(),
            (None, None) => push_type_of(payload),
        };
        let limit = push_type.payload_limit();
        if payload.len() > limit {
            let size = payload.len();
            return Err(fail(format!(
                "payload: {size} octets, over the limit of {limit}"
            )));
        }
        Ok(Self {
            device_token,
            apns_id,
            topic: topic(wire.topic, defaults, &push_type).map_err(fail)?,
            priority: priority(wire.priority, defaults, &push_type).map_err(fail)?,
            expiration: wire
                .expiration
                .map_or(defaults.expiration, Expiration::from_unix),
            collapse_id: collapse_id(wire.collapse_id, defaults).map_err(fail)?,
            push_type,
            payload,
        })
    }
}

fn topic<'a>(
    line: Option<Text<'a>>,
    defaults: &'a Defaults,
    push_type: &PushType,
) -> Result<Option<Cow<'a, str>>, String> {
    let topic = match (line, &defaults.topic) {
        (Some(Text(topic)), _) if is_name(&topic) => topic,
        (Some(_), _) => return Err(rule("topic", InvalidValue::Topic)),
        (None, Some(topic)) => Cow::Borrowed(topic.as_str()),
        (None, None) => return Ok(None),
    };
    Ok(Some(match topic {
        Cow::Borrowed(topic) => suffixed(topic, push_type),
        Cow::Owned(topic) => Cow::Owned(suffixed(&topic, push_type).into_owned()),
    }))
}

fn priority(
    line: Option<u64>,
    defaults: &Defaults,
    push_type: &PushType,
) -> Result<Option<Priority>, String> {
    let asked = match line {
        Some(number) => Some(Priority::try_from(number).map_err(|e| rule("priority", e))?),
        None => None,
    };
    match (push_type, asked) {
        (PushType::Background, Some(Priority::Immediate)) => {
            Err("priority: a background push must have 5, never 10".to_owned())
        }
        (PushType::Background, None) => Ok(Some(Priority::Normal)),
        (_, asked) => Ok(asked.or(defaults.priority)),
    }
}

fn collapse_id<'a>(
    line: Option<Text<'a>>,
    defaults: &'a Defaults,
) -> Result<Option<Cow<'a, str>>, String> {
    match (line, &defaults.collapse_id) {
        (Some(Text(id)), _) if crate::id::is_collapse_id(&id) => Ok(Some(id)),
        (Some(_), _) => Err(rule("collapse_id", InvalidValue::CollapseId)),
        (None, default) => Ok(default.as_ref().map(|id| Cow::Borrowed(id.as_str()))),
    }
}

/// The push type of a payload that doesn't say: `background` only for what has nothing to show.
fn push_type_of(payload: &[u8]) -> PushType {
    #[derive(Deserialize)]
    struct Body {
        aps: Option<Aps>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Aps {
        content_available: Option<IgnoredAny>,
        alert: Option<IgnoredAny>,
        badge: Option<IgnoredAny>,
        sound: Option<IgnoredAny>,
    }

    // Nearly all payloads are settled by this look: the key isn't there, nor spelled by escapes.
    if !contains(payload, b"content-available") && !contains(payload, b"\\u") {
        return PushType::Alert;
    }
    let aps = serde_json::from_slice::<Body>(payload)
        .ok()
        .and_then(|body| body.aps);
    match aps {
        Some(Aps {
            content_available: Some(_),
            alert: None,
            badge: None,
            sound: None,
        }) => PushType::Background,
        _ => PushType::Alert,
    }
}

/// Whether the needle, of at least one octet, occurs.
fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else {
        return true;
    };
    let mut rest = haystack;
    while let Some(at) = rest.iter().position(|octet| octet == first) {
        rest = rest.get(at..).unwrap_or_default();
        if rest.starts_with(needle) {
            return true;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

/// What is wrong with a line that doesn't begin as an object does.
fn not_an_object(line: &[u8], number: u64) -> InvalidLine {
    InvalidLine {
        line: number,
        device_token: None,
        apns_id: None,
        reason: match serde_json::from_slice::<IgnoredAny>(line) {
            Ok(_) => "a line must be a JSON object".to_owned(),
            Err(error) => not_json(&error),
        },
    }
}

/// What can be said about a line that isn't JSON, or has a field of the wrong kind.
fn salvage(line: &[u8], number: u64, error: &serde_json::Error) -> InvalidLine {
    let known = serde_json::from_slice::<Map<String, Value>>(line).unwrap_or_default();
    let text = |field: &str| known.get(field).and_then(Value::as_str);
    InvalidLine {
        line: number,
        device_token: text("device_token").map(str::to_owned),
        apns_id: text("apns_id").and_then(|id| ApnsId::parse_bytes(id.as_bytes())),
        reason: misfit(&known).unwrap_or_else(|| not_json(error)),
    }
}

/// The first field that has the wrong kind of value. serde's own text would quote the value, which may
/// be a payload's.
fn misfit(known: &Map<String, Value>) -> Option<String> {
    let is_text = |value: &Value| value.is_null() || value.is_string();
    let is_count = |value: &Value| value.is_null() || value.is_u64();
    let texts = [
        "device_token",
        "apns_id",
        "topic",
        "push_type",
        "collapse_id",
    ];
    let texts = texts
        .into_iter()
        .map(|field| (field, is_text as fn(&Value) -> bool, "a string"));
    let counts = ["priority", "expiration"];
    let counts = counts.into_iter().map(|field| {
        (
            field,
            is_count as fn(&Value) -> bool,
            "an integer, 0 or more",
        )
    });
    texts
        .chain(counts)
        .find(|(field, fits, _)| known.get(*field).is_some_and(|value| !fits(value)))
        .map(|(field, _, kind)| format!("{field}: must be {kind}"))
}

fn not_json(error: &serde_json::Error) -> String {
    // serde_json counts lines within the line; only the column tells anything.
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let what = if error.is_data() { "" } else { "not JSON: " };
    format!("{what}{message} at column {}", error.column())
}

fn rule(field: &str, broken: InvalidValue) -> String {
    format!("{field}: {broken}")
}

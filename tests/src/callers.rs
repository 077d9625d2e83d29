//! Those who submit requests: how many, when, with which deadlines and policies, and when they leave.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::LazyLock;
use std::time::Duration;

use aapns_proto::{Fields, Head, Job, Method, Policy, Request, Tag, Time};
use bytes::Bytes;

use crate::rng::Rng;
use crate::swarm::{Kind, Swarm};

/// What a simulated caller attaches to its request.
#[derive(Clone, Debug)]
pub struct SimTag {
    /// Counts the requests of a world.
    pub id: u32,
    has_left: Rc<Cell<bool>>,
}

impl SimTag {
    /// The tag, and the caller's end of it.
    pub fn new(id: u32) -> (Self, Rc<Cell<bool>>) {
        let has_left = Rc::new(Cell::new(false));
        let tag = Self {
            id,
            has_left: Rc::clone(&has_left),
        };
        (tag, has_left)
    }
}

impl Tag for SimTag {
    fn is_abandoned(&self) -> bool {
        self.has_left.get()
    }
}

/// One caller.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// When it submits.
    pub at: Time,
    /// How long it waits.
    pub patience: Option<Duration>,
    /// Whether it stops caring, and when.
    pub leaves_after: Option<Duration>,
    /// When its request may be sent again.
    pub policy: Policy,
    /// Octets of body.
    pub body: usize,
    /// To which device; several requests can share one.
    pub device: u32,
    /// Which head, of [`heads`].
    pub head: usize,
}

/// The callers of this world, in the order of their submits, all within `span`.
pub fn plan(seed: u64, swarm: &mut Swarm, span: Duration) -> Vec<Caller> {
    let mut rng = Rng::new(seed, 2);
    let count = rng.range(50, 90);
    let is_burst = rng.chance(300);
    let span = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    let patience = rng.range(0, 3);
    let at_most_once = rng.pick(&[0, 300, 1000]).unwrap_or(0);
    let largest = rng.pick(&[200, 200, 200, 4_096, 12_000]).unwrap_or(200);
    let devices = rng.pick(&[3, 1_000_000]).unwrap_or(3);
    let mut callers: Vec<Caller> = (0..count)
        .map(|_| {
            let at = if is_burst && rng.chance(800) {
                0
            } else {
                rng.below(span)
            };
            Caller {
                at: Time::ZERO + Duration::from_micros(at),
                patience: pick_patience(&mut rng, patience),
                leaves_after: swarm
                    .strikes(Kind::CallerLeaves, 100)
                    .then(|| swarm.rng.micros(0, 300_000)),
                policy: if rng.chance(at_most_once) {
                    Policy::AtMostOnce
                } else {
                    Policy::AtLeastOnce
                },
                body: usize::try_from(rng.below(largest)).unwrap_or(0),
                device: u32::try_from(rng.below(devices)).unwrap_or(0),
                head: usize::try_from(rng.below(4)).unwrap_or(0),
            }
        })
        .collect();
    callers.sort_by_key(|caller| caller.at);
    callers
}

fn pick_patience(rng: &mut Rng, world: u64) -> Option<Duration> {
    match world {
        0 => None,
        1 => Some(rng.millis(20, 3_000)),
        2 => Some(rng.millis(1_000, 60_000)),
        _ => rng.chance(500).then(|| rng.millis(50, 30_000)),
    }
}

/// The constant parts that callers choose from.
pub fn heads() -> Vec<Head> {
    let head = |topic: &str, kind: &str, priority: &str| {
        let fields = Fields::new()
            .with("apns-topic", topic)
            .and_then(|fields| fields.with("apns-push-type", kind))
            .and_then(|fields| fields.with("apns-priority", priority))
            .unwrap_or_default();
        Head::new(Method::POST, fields)
    };
    vec![
        head("com.example.app", "alert", "10"),
        head("com.example.app", "background", "5"),
        head("com.example.app.voip", "voip", "10"),
        head("com.example.app.push-type.tomorrow", "tomorrow", "7"),
    ]
}

/// The request of a caller: `apns-id` names the tag, the body repeats one octet.
pub fn job(
    caller: &Caller,
    tag: SimTag,
    deadline: Option<Time>,
    head: Head,
) -> Option<Job<SimTag>> {
    let path = format!("/3/device/{:064x}", caller.device);
    let body = body(tag.id, caller.body);
    let request = Request::new(head, path, body)
        .and_then(|request| request.field("apns-id", apns_id(tag.id)))
        .ok()?;
    Some(
        Job::new(request, tag)
            .deadline(deadline)
            .policy(caller.policy),
    )
}

/// The `apns-id` of a tag.
pub fn apns_id(tag: u32) -> String {
    format!("7a3e0c5d-0000-4000-8000-{tag:012x}")
}

/// The tag of an `apns-id`.
pub fn tag_of(apns_id: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(apns_id).ok()?;
    u32::from_str_radix(text.strip_prefix("7a3e0c5d-0000-4000-8000-")?, 16).ok()
}

/// The body of a tag: a part of one that is there once for all.
fn body(tag: u32, length: usize) -> Bytes {
    const LONGEST: usize = 16 * 1024;
    static BODIES: LazyLock<Vec<Bytes>> = LazyLock::new(|| {
        (0..26)
            .map(|tag| vec![body_octet(tag); LONGEST].into())
            .collect()
    });
    let octet = body_octet(tag);
    match BODIES.get(usize::from(octet - b'a')) {
        Some(body) if length <= LONGEST => body.slice(..length),
        _ => vec![octet; length].into(),
    }
}

/// The octet that a tag's body repeats.
pub fn body_octet(tag: u32) -> u8 {
    b'a' + u8::try_from(tag % 26).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_apns_id_names_its_tag() {
        assert_eq!(tag_of(apns_id(4711).as_bytes()), Some(4711));
    }

    #[test]
    fn callers_come_in_order_and_at_least_fifty() {
        let mut swarm = Swarm::of(3, &[]);
        let callers = plan(3, &mut swarm, Duration::from_secs(5));
        assert!(callers.len() >= 50);
        assert!(callers.is_sorted_by_key(|caller| caller.at));
    }
}

//! What will happen, in order: by time, and of one time in the order of planning.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use aapns_proto::Time;
use aapns_proto::pool::{Auth, Close, Dial, Mint};

use super::Accident;
use crate::fake::Act;

/// How a dial ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DialEnd {
    /// A connection.
    Up,
    /// A connection that speaks something else.
    NotHttp2,
    /// No connection; whether trying again is pointless.
    Down {
        /// See [`DialError::is_fatal`](aapns_proto::delivery::DialError).
        is_fatal: bool,
    },
}

/// Something that happens.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// A caller submits.
    Submit(usize),
    /// A caller stops caring.
    Leave(u32),
    /// A caller that waits for room has waited long enough.
    WaitedEnough(u32),
    /// A link's task runs; void if the link in that slot isn't on that connection any more.
    Turn {
        /// The link.
        slot: usize,
        /// Its connection.
        conn: usize,
    },
    /// A link is woken.
    Wake(usize),
    /// A link's task is dropped.
    DropDriver {
        /// The link.
        slot: usize,
        /// Its connection.
        conn: usize,
    },
    /// Octets arrive at a server.
    ServerReads(usize),
    /// A server does something of its own.
    ServerActs(usize, Act),
    /// One or both ways of a connection stand still.
    Stall {
        /// The connection.
        conn: usize,
        /// 1: to the server, 2: to the client, 3: both.
        ways: u64,
        /// Until then.
        until: Time,
    },
    /// What befalls a connection for certain.
    Accident(Accident),
    /// The pool's timer.
    PoolTimer,
    /// A dial ends.
    DialEnds(Dial, DialEnd),
    /// A mint ends: with a token for this team, or none.
    MintEnds(Mint, Option<u32>),
    /// The wall clock jumps by so many seconds.
    ClockJumps(i64),
    /// No server takes the tokens made so far.
    TokensExpire,
    /// The pool gets a new credential, of this kind.
    NewCredential(Auth),
    /// The pool gets another size.
    Resize(u16, u16),
    /// The process stands still for so long.
    Freeze(Duration),
    /// All timers are served, due or not.
    SpuriousTimer,
    /// Somebody waits for a link to be up, for so long.
    AskReady(Duration),
    /// Somebody has waited for that long enough.
    ReadyLimit,
    /// The pool is closed.
    Close(Close),
    /// Nothing goes wrong from now on.
    FaultsEnd,
    /// A request that must be answered.
    Probe,
}

/// The events to come.
#[derive(Debug, Default)]
pub(super) struct Heap {
    order: BinaryHeap<Reverse<(Time, u64, usize)>>,
    events: Vec<Option<Event>>,
    free: Vec<usize>,
    planned: u64,
}

impl Heap {
    /// Plans an event.
    pub(super) fn plan(&mut self, at: Time, event: Event) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.events.push(None);
            self.events.len() - 1
        });
        if let Some(place) = self.events.get_mut(slot) {
            *place = Some(event);
        }
        self.order.push(Reverse((at, self.planned, slot)));
        self.planned += 1;
    }

    /// The next event.
    pub(super) fn next(&mut self) -> Option<(Time, Event)> {
        let Reverse((at, _, slot)) = self.order.pop()?;
        self.free.push(slot);
        let event = self.events.get_mut(slot)?.take()?;
        Some((at, event))
    }
}

//! The seeded swarm: which kinds of faults a world has, and when one strikes.

use crate::rng::Rng;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($(#[$doc])* $name,)* }

        impl Kind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name in reports.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

kinds! {
    /// A dial fails at once.
    DialFails = "dial fails",
    /// A dial hangs until its deadline.
    DialHangs = "dial hangs",
    /// A dial fails for a reason that trying again doesn't cure.
    DialFatal = "dial fails for good",
    /// The transport is up, SETTINGS never come.
    NoSettings = "no SETTINGS",
    /// GOAWAY with the exact last-stream-id.
    GoAway = "GOAWAY",
    /// GOAWAY(2^31-1) and then the exact one.
    GoAwayTwice = "GOAWAY in two steps",
    /// GOAWAY(2^31-1), and never another.
    GoAwayNotice = "GOAWAY, only announced",
    /// GOAWAY with a reason that is about the credential or the connection.
    GoAwayReason = "GOAWAY for a reason",
    /// The server leaves before the streams it promised to finish.
    GoAwayLeaves = "GOAWAY, then cut",
    /// The stream limit falls, 0 included.
    LimitFalls = "limit falls",
    /// The stream limit rises.
    LimitRises = "limit rises",
    /// The stream limit goes between 1 and 1000 faster than it is acknowledged.
    LimitBounces = "limit bounces",
    /// SETTINGS_INITIAL_WINDOW_SIZE changes, to 0 too.
    WindowChanges = "initial window changes",
    /// SETTINGS_HEADER_TABLE_SIZE changes.
    TableChanges = "HPACK table changes",
    /// SETTINGS_MAX_HEADER_LIST_SIZE falls below what requests have.
    TinyFieldList = "tiny field list",
    /// REFUSED_STREAM, and sometimes STREAM_CLOSED after it.
    Refused = "REFUSED_STREAM",
    /// RST_STREAM with another code.
    Reset = "RST_STREAM",
    /// The server neither reads nor writes any more.
    Deaf = "deaf server",
    /// PINGs are answered, requests are not.
    Zombie = "zombie server",
    /// One request is never answered.
    NoAnswer = "no answer",
    /// One answer comes late.
    LateAnswer = "late answer",
    /// 403 ExpiredProviderToken for a token that is still young.
    TokenExpires = "token expires",
    /// 429 TooManyProviderTokenUpdates.
    TokenUpdates = "TooManyProviderTokenUpdates",
    /// 429 TooManyRequests.
    TooMany = "429",
    /// 500 and 503.
    ServerError = "5xx",
    /// 503 Shutdown.
    Shutdown = "503 Shutdown",
    /// Answers that say no: 400, 410.
    Rejected = "4xx",
    /// 403 for a reason that no other attempt gets over.
    Forbidden = "403",
    /// 421.
    Misdirected = "421",
    /// A server that says the same no to all requests for a while.
    Spell = "one no to all",
    /// Window updates come late and in small pieces.
    TinyWindow = "tiny window",
    /// An answer whose body never comes.
    CutAnswer = "cut answer",
    /// The response comes before the request is complete, and then RST_STREAM(NO_ERROR).
    EarlyAnswer = "early answer",
    /// A response that HTTP/2 forbids.
    Malformed = "malformed response",
    /// A field block in two parts, the second one late.
    LateBlock = "late field block",
    /// Many PINGs at once.
    PingFlood = "PING flood",
    /// Frames without use: PING, unknown kinds, PRIORITY, 103.
    Noise = "noise",
    /// The connection is reset after some octets, one or both ways.
    Cut = "cut",
    /// The server closes its side without a word.
    HalfClose = "half-close",
    /// The server writes no more, and reads on.
    Shut = "server writes no more",
    /// Nothing moves for a while, one way or both.
    Stall = "stall",
    /// A write fails after some of it went out.
    WriteFails = "write fails",
    /// The link's task is dropped.
    DriverDropped = "driver dropped",
    /// The whole process stands still.
    Freeze = "process stands still",
    /// A wake-up for nothing.
    SpuriousWake = "spurious wake",
    /// A timer that is not due.
    SpuriousTimer = "spurious timer",
    /// A wake-up arrives late.
    LateWake = "late wake",
    /// The caller goes away.
    CallerLeaves = "caller leaves",
    /// The wall clock jumps.
    ClockJumps = "clock jumps",
    /// Signing fails.
    MintFails = "mint fails",
    /// The credential changes.
    NewCredential = "new credential",
    /// The pool's size changes.
    Resize = "resize",
    /// The pool is closed while faults strike.
    Close = "close",
}

/// The swarm of one world.
#[derive(Debug)]
pub struct Swarm {
    enabled: u64,
    is_on: bool,
    factor: u64,
    injected: Vec<u32>,
    /// Its randomness, for the details of faults.
    pub rng: Rng,
}

impl Swarm {
    /// The swarm of this seed: about a third of all kinds.
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed, 1);
        let share = rng.range(100, 500);
        let mut enabled = 0;
        for kind in Kind::ALL {
            enabled |= u64::from(rng.chance(share)) << *kind as u32;
        }
        let factor = rng.range(1, 4);
        Self {
            enabled,
            is_on: true,
            factor,
            injected: vec![0; Kind::ALL.len()],
            rng,
        }
    }

    /// A swarm of the kinds whose bits are set, and of faults that strike as these octets say.
    pub fn taped(seed: u64, kinds: u64, octets: &[u8]) -> Self {
        let mut swarm = Self::new(seed);
        swarm.enabled = kinds;
        swarm.rng = swarm.rng.taped(octets);
        swarm
    }

    /// A swarm of these kinds alone.
    pub fn of(seed: u64, kinds: &[Kind]) -> Self {
        let mut swarm = Self::new(seed);
        swarm.enabled = kinds.iter().fold(0, |set, kind| set | 1 << *kind as u32);
        swarm
    }

    /// The same kinds, but each strikes whenever it can.
    pub fn certain(mut self) -> Self {
        self.factor = 1000;
        self
    }

    /// Whether this world has this kind at all.
    pub fn has(&self, kind: Kind) -> bool {
        self.is_on && self.enabled >> kind as u32 & 1 == 1
    }

    /// Whether this kind strikes now: `per_mille` is its usual rate. Counts it.
    pub fn strikes(&mut self, kind: Kind, per_mille: u64) -> bool {
        let strikes = self.has(kind) && self.rng.chance(per_mille * self.factor);
        if strikes {
            self.count(kind);
        }
        strikes
    }

    /// Counts a fault that was decided on elsewhere.
    pub fn count(&mut self, kind: Kind) {
        if let Some(count) = self.injected.get_mut(kind as usize) {
            *count += 1;
        }
    }

    /// No more faults.
    pub fn stop(&mut self) {
        self.is_on = false;
    }

    /// Whether faults still strike.
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// How many of each kind struck, in the order of [`Kind::ALL`].
    pub fn injected(&self) -> &[u32] {
        &self.injected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_fault_strikes_after_the_swarm_has_stopped() {
        let mut swarm = Swarm::of(7, &[Kind::Cut]);
        assert!((0..100).any(|_| swarm.strikes(Kind::Cut, 500)));
        assert!(!swarm.strikes(Kind::Stall, 1000));
        swarm.stop();
        assert!((0..100).all(|_| !swarm.strikes(Kind::Cut, 1000)));
    }
}

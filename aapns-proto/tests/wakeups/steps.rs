//! What a small world starts with, and the steps that it can take.

/// What a world starts with, and what may happen in it.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) links: u16,
    /// Streams that each server allows at first.
    pub(crate) limit: u32,
    pub(crate) submits: u8,
    pub(crate) cancels: u8,
    /// Falls of a server's stream limit to 0, each of which may be followed by a rise.
    pub(crate) limit_moves: u8,
    pub(crate) deaths: u8,
    pub(crate) goaways: u8,
    pub(crate) answers: u8,
    /// Sockets that take nothing for a while.
    pub(crate) stalls: u8,
    /// The driver is broken: it reads its flag before its waker is registered.
    pub(crate) reads_flag_first: bool,
    #[cfg(feature = "mutants")]
    pub(crate) mutant: Option<aapns_proto::mutants::Mutant>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            links: 2,
            limit: 1,
            submits: 3,
            cancels: 0,
            limit_moves: 0,
            deaths: 0,
            goaways: 0,
            answers: 1,
            stalls: 0,
            reads_flag_first: false,
            #[cfg(feature = "mutants")]
            mutant: None,
        }
    }
}

/// One step that a world can take next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// A caller submits; its wake is on its way.
    Submit,
    /// The caller of the last job still queued takes it back.
    Cancel,
    /// A wake reaches its link's driver.
    Deliver(u16),
    /// A driver reads, exchanges, hands out results and writes.
    Turn(u16),
    /// A driver that found nothing to do looks whether it was woken meanwhile, and else sleeps.
    Park(u16),
    /// The server's stream limit falls to 0.
    Fall(u16),
    /// And rises again.
    Rise(u16),
    /// The server answers its oldest request.
    Answer(u16),
    /// The server sends GOAWAY: what it hasn't answered was not processed.
    GoAway(u16),
    /// The link's transport dies, and its task with it.
    Die(u16),
    /// A link's socket takes nothing: its next write stays pending.
    Stall(u16),
    /// And takes something again.
    Flow(u16),
    /// A dial ends with a new link.
    Up,
    /// So much time passes that every retry is due.
    Tick,
}

impl Step {
    /// Whether it is only a matter of time.
    pub(crate) fn is_inner(self) -> bool {
        matches!(self, Self::Deliver(_) | Self::Turn(_) | Self::Park(_))
    }
}

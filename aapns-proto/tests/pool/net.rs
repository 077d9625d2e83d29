//! A pool, its links and their servers over memory, and a clock that moves when told to.

use std::time::Duration;

use aapns_proto::delivery::{DialError, DialStep, Disconnect};
use aapns_proto::pool::{Auth, Dial, LinkId, Mint, ProviderToken, Ticket};
use aapns_proto::{
    Action, Cause, Delivery, Done, Fields, Head, Job, Link, Method, Outcome, Pool, PoolConfig,
    Rejected, Request, Time,
};

use crate::peer::Peer;

/// UNIX time when the clock of the pool is at zero.
const EPOCH: Duration = Duration::from_secs(1_800_000_000);

pub(crate) struct Net {
    pub(crate) now: Time,
    pub(crate) pool: Pool<u32>,
    pub(crate) ends: Vec<Option<End>>,
    /// Dials to be answered by the test; answered at once if `dials_itself`.
    pub(crate) dials: Vec<Dial>,
    pub(crate) dials_itself: bool,
    pub(crate) mints: Vec<Mint>,
    pub(crate) done: Vec<Done<u32>>,
    pub(crate) rooms: Vec<usize>,
    pub(crate) is_closed: bool,
    /// Streams that a new server allows.
    pub(crate) limit: u32,
}

/// Both ends of one connection.
pub(crate) struct End {
    link: Link<u32>,
    pub(crate) peer: Peer,
    /// The socket takes nothing.
    is_clogged: bool,
    /// A write is pending.
    is_pending: bool,
}

impl Net {
    pub(crate) fn new(min_links: u16, max_links: u16) -> Self {
        Self::with(|config| (config.min_links, config.max_links) = (min_links, max_links))
    }

    pub(crate) fn with(change: impl FnOnce(&mut PoolConfig)) -> Self {
        let mut config = PoolConfig::default();
        change(&mut config);
        let now = Time::from_millis(1);
        let mut net = Self {
            now,
            pool: Pool::new(config, 1, now),
            ends: Vec::new(),
            dials: Vec::new(),
            dials_itself: true,
            mints: Vec::new(),
            done: Vec::new(),
            rooms: Vec::new(),
            is_closed: false,
            limit: 100,
        };
        net.run();
        net
    }

    pub(crate) fn with_token() -> Self {
        Self::with(|config| config.auth = Auth::Token)
    }

    pub(crate) fn submit(&mut self, tag: u32) {
        self.submit_job(job(tag)).expect("room");
    }

    #[allow(clippy::result_large_err, reason = "as the pool's own")]
    pub(crate) fn submit_job(&mut self, job: Job<u32>) -> Result<Ticket, Rejected<u32>> {
        let submitted = self.pool.submit(self.now, job)?;
        self.wake(submitted.wake);
        self.run();
        Ok(submitted.ticket)
    }

    /// Lets everything happen that needs no time.
    pub(crate) fn run(&mut self) {
        loop {
            let mut is_idle = self.drain();
            for at in 0..self.ends.len() {
                is_idle &= !self.turn(at);
            }
            if is_idle {
                return;
            }
        }
    }

    /// Lets time pass, and what falls due in it happen.
    pub(crate) fn wait(&mut self, duration: Duration) {
        let end = self.now + duration;
        for _ in 0..10_000 {
            let links = self.ends.iter().flatten();
            let links = links.filter_map(|end| end.link.poll_timeout());
            let next = links
                .chain(self.pool.poll_timeout())
                .map(|(at, _)| at)
                .min();
            let Some(at) = next.filter(|at| *at <= end) else {
                self.now = end;
                return;
            };
            assert!(at > self.now, "{at:?} is not after {:?}", self.now);
            self.now = at;
            self.pool.handle_timeout(at);
            for end in self.ends.iter_mut().flatten() {
                end.link.handle_timeout(at);
            }
            self.run();
        }
        panic!("time stands still at {:?}", self.now);
    }

    /// What the server of this link does, and what follows from it.
    pub(crate) fn serve(&mut self, at: usize, what: impl FnOnce(&mut Peer)) {
        what(self.peer(at));
        self.run();
    }

    pub(crate) fn peer(&mut self, at: usize) -> &mut Peer {
        &mut self.ends[at].as_mut().expect("a link").peer
    }

    /// From now on the socket of a link takes nothing, and brings nothing.
    pub(crate) fn clog(&mut self, at: usize) {
        self.ends[at].as_mut().expect("a link").is_clogged = true;
    }

    /// The link that has requests to answer.
    pub(crate) fn busy(&self) -> usize {
        let is_busy = |end: &Option<End>| end.as_ref().is_some_and(|e| !e.peer.open.is_empty());
        let at = self.ends.iter().position(is_busy);
        at.expect("a request at a server")
    }

    /// The link that has requests answers the oldest one.
    pub(crate) fn answer(&mut self) {
        let at = self.busy();
        self.serve(at, Peer::answer);
    }

    /// Whether no request is at any server.
    pub(crate) fn is_quiet(&self) -> bool {
        let mut peers = self.ends.iter().flatten().map(|end| &end.peer);
        peers.all(|peer| peer.open.is_empty())
    }

    /// The transport of a link is cut.
    pub(crate) fn cut(&mut self, at: usize) {
        let end = self.ends[at].as_mut().expect("a link");
        end.link.handle_disconnect(self.now, Disconnect::Reset);
        self.run();
    }

    pub(crate) fn mint(&mut self) {
        let mint = self.mints.remove(0);
        let unix = self.unix();
        let token = ProviderToken::new(&mint.id.to_string(), unix);
        self.pool.minted(self.now, unix, mint, token);
        self.run();
    }

    /// Whoever makes tokens has none but the refused one.
    pub(crate) fn mint_again(&mut self) {
        let mint = self.mints.remove(0);
        let unix = self.unix();
        let token = mint.refused.clone().expect("a refused token");
        self.pool.minted(self.now, unix, mint, Ok(token));
        self.run();
    }

    pub(crate) fn fail_dial(&mut self, is_fatal: bool) {
        let dial = self.dials.remove(0);
        self.pool.dial_failed(self.now, dial, dial_error(is_fatal));
        self.run();
    }

    /// How the only request that ended since the last look did.
    pub(crate) fn outcome(&mut self) -> (u32, Result<u16, (Cause, Delivery)>) {
        assert_eq!(self.done.len(), 1, "{:?}", self.done);
        let done = self.done.remove(0);
        match done.outcome {
            Outcome::Answered(response) => (done.tag, Ok(response.status)),
            Outcome::Failed(cause, delivery) => (done.tag, Err((cause, delivery))),
        }
    }

    fn unix(&self) -> Duration {
        EPOCH + self.now.saturating_since(Time::ZERO)
    }

    fn wake(&mut self, id: Option<LinkId>) {
        let end = id.and_then(|id| self.ends.get_mut(usize::from(id.0))?.as_mut());
        if let Some(end) = end {
            end.link.handle_wake();
        }
    }

    fn drain(&mut self) -> bool {
        let mut is_idle = true;
        while let Some(action) = self.pool.poll_action() {
            is_idle = false;
            match action {
                Action::Wake(id) => self.wake(Some(id)),
                Action::Dial(dial) if self.dials_itself => self.up(dial),
                Action::Dial(dial) => self.dials.push(dial),
                Action::Mint(mint) => self.mints.push(mint),
                Action::Room(n) => self.rooms.push(n),
                Action::Timer => {}
                Action::Done(done) => self.done.push(done),
                Action::Closed => self.is_closed = true,
            }
        }
        is_idle
    }

    pub(crate) fn up(&mut self, dial: Dial) {
        let Ok(link) = self.pool.dialed(self.now, dial, Some(b"h2")) else {
            return;
        };
        let at = usize::from(link.id().0);
        if self.ends.len() <= at {
            self.ends.resize_with(at + 1, || None);
        }
        let peer = Peer::new(self.limit);
        self.ends[at] = Some(End {
            link,
            peer,
            is_clogged: false,
            is_pending: false,
        });
    }

    /// One exchange of a link, and nothing else; how many jobs ended by it.
    pub(crate) fn exchange(&mut self, at: usize) -> usize {
        let (now, unix) = (self.now, self.unix());
        let link = &mut self.ends[at].as_mut().expect("a link").link;
        link.exchange(now, unix, true, &mut self.pool);
        std::iter::from_fn(|| link.poll_done()).count()
    }

    /// One turn of a link's driver; whether anything happened.
    fn turn(&mut self, at: usize) -> bool {
        let (now, unix) = (self.now, self.unix());
        let Some(end) = &mut self.ends[at] else {
            return false;
        };
        let may_take = !end.is_pending;
        let End { link, peer, .. } = end;
        let input = std::mem::take(&mut peer.output);
        let mut is_busy = !input.is_empty();
        if is_busy {
            link.read_buf()[..input.len()].copy_from_slice(&input);
            link.handle_read(now, input.len());
        }
        let mut wake = None;
        if link.wants_exchange(may_take) {
            is_busy = true;
            wake = link.exchange(now, unix, may_take, &mut self.pool);
            link.handle_taken(now);
        }
        self.done.extend(std::iter::from_fn(|| link.poll_done()));
        let output = link.transmit().to_vec();
        end.is_pending = end.is_clogged && !output.is_empty();
        if !output.is_empty() && !end.is_clogged {
            is_busy = true;
            peer.read(&output);
            link.handle_written(now, output.len());
        }
        let is_closed = link.is_closed();
        self.wake(wake);
        if is_closed && let Some(end) = self.ends[at].take() {
            is_busy = true;
            let wake = self.pool.link_closed(now, end.link);
            self.wake(wake);
        }
        is_busy
    }
}

pub(crate) fn job(tag: u32) -> Job<u32> {
    let head = Head::new(Method::POST, Fields::new());
    let path = format!("/3/device/{tag:02x}");
    Job::new(
        Request::new(head, path, "{}").expect("a valid request"),
        tag,
    )
}

pub(crate) fn dial_error(is_fatal: bool) -> DialError {
    DialError::new(DialStep::Tls, is_fatal, "no route")
}

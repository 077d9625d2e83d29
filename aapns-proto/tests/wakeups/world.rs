//! A small world: one pool, a few links over memory, and drivers whose steps interleave.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use aapns_proto::delivery::Disconnect;
use aapns_proto::pool::{Dial, LinkId, Ticket};
use aapns_proto::{Action, Fields, Head, Job, Method, Pool, PoolConfig, Request, Time};

use crate::driver::{Driver, State};
use crate::steps::{Setup, Step};

#[derive(Debug)]
pub(crate) struct World {
    setup: Setup,
    now: Time,
    pool: Pool<u32>,
    drivers: Vec<Option<Driver>>,
    dials: Vec<Dial>,
    /// Wakes on their way.
    wakes: BTreeSet<u16>,
    /// The link that was woken last, until it exchanges or dies.
    on_its_way: Option<u16>,
    /// Another was woken meanwhile.
    is_storm: bool,
    tickets: Vec<Ticket>,
    submitted: u32,
    done: Vec<u32>,
    has_delays: bool,
}

impl World {
    /// Links are up, know their limit, and found nothing to do.
    pub(crate) fn new(setup: &Setup) -> Self {
        let now = Time::from_millis(1);
        let mut config = PoolConfig::default();
        config.min_links = setup.links;
        config.max_links = setup.links;
        #[cfg(feature = "mutants")]
        {
            config.connection.set_mutant(setup.mutant);
        }
        // Nothing but the protocol itself may wake a link here.
        config.grow_after = Duration::from_secs(1_000_000);
        config.stuck_after = Duration::from_secs(1_000_000);
        let pool = Pool::new(config, 1, now);
        let mut world = Self {
            setup: setup.clone(),
            now,
            pool,
            drivers: Vec::new(),
            dials: Vec::new(),
            wakes: BTreeSet::new(),
            on_its_way: None,
            is_storm: false,
            tickets: Vec::new(),
            submitted: 0,
            done: Vec::new(),
            has_delays: false,
        };
        world.drain();
        for _ in 0..setup.links {
            world.up();
        }
        while let Some(step) = world.steps().into_iter().find(|step| step.is_inner()) {
            world.take(step);
        }
        world
    }

    /// Every step that may be next.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let setup = &self.setup;
        steps.extend(self.wakes.iter().map(|id| Step::Deliver(*id)));
        for (id, driver) in (0..).zip(&self.drivers) {
            let Some(driver) = driver else { continue };
            match driver.state {
                State::Awake => steps.push(Step::Turn(id)),
                State::Parking { .. } => steps.push(Step::Park(id)),
                State::Asleep => {}
            }
            let is_open = !driver.link.connection().is_draining();
            if is_open && driver.is_down {
                steps.push(Step::Rise(id));
            } else if is_open && setup.limit_moves > 0 {
                steps.push(Step::Fall(id));
            }
            if setup.answers > 0 && !driver.peer.open.is_empty() {
                steps.push(Step::Answer(id));
            }
            if is_open && setup.goaways > 0 {
                steps.push(Step::GoAway(id));
            }
            if setup.deaths > 0 {
                steps.push(Step::Die(id));
            }
            if driver.is_stalled {
                steps.push(Step::Flow(id));
            } else if setup.stalls > 0 {
                steps.push(Step::Stall(id));
            }
        }
        if setup.submits > 0 {
            steps.push(Step::Submit);
        }
        if setup.cancels > 0 && !self.tickets.is_empty() {
            steps.push(Step::Cancel);
        }
        if !self.dials.is_empty() {
            steps.push(Step::Up);
        }
        if self.has_delays {
            steps.push(Step::Tick);
        }
        steps
    }

    pub(crate) fn take(&mut self, step: Step) {
        match step {
            Step::Submit => self.submit(),
            Step::Cancel => {
                self.setup.cancels -= 1;
                let ticket = self.tickets.pop();
                if let Some(job) = ticket.and_then(|ticket| self.pool.cancel(ticket)) {
                    self.done.push(job.tag);
                }
            }
            Step::Deliver(id) => self.deliver(id),
            Step::Turn(id) => self.turn(id),
            Step::Park(id) => self.park(id),
            Step::Fall(id) => {
                self.setup.limit_moves -= 1;
                self.serve(id, |driver| {
                    driver.is_down = true;
                    driver.peer.set_limit(0);
                });
            }
            Step::Rise(id) => {
                let limit = self.setup.limit;
                self.serve(id, |driver| {
                    driver.is_down = false;
                    driver.peer.set_limit(limit);
                });
            }
            Step::Answer(id) => {
                self.setup.answers -= 1;
                self.serve(id, |driver| driver.peer.answer());
            }
            Step::GoAway(id) => {
                self.setup.goaways -= 1;
                self.serve(id, |driver| driver.peer.go_away(0));
            }
            Step::Die(id) => {
                self.setup.deaths -= 1;
                self.has_delays = true;
                self.end(id);
            }
            Step::Stall(id) => {
                self.setup.stalls -= 1;
                if let Some(driver) = self.driver(id) {
                    driver.is_stalled = true;
                }
            }
            Step::Flow(id) => self.serve(id, |driver| driver.is_stalled = false),
            Step::Up => self.up(),
            Step::Tick => {
                self.has_delays = false;
                self.now += Duration::from_secs(60);
                self.pool.handle_timeout(self.now);
            }
        }
        self.drain();
    }

    /// What is wrong, if something is.
    pub(crate) fn fault(&self) -> Option<String> {
        if self.is_storm {
            return Some("a second link was woken for the same work".to_owned());
        }
        if self.done.len() != self.done.iter().collect::<BTreeSet<_>>().len() {
            return Some(format!("a job ended twice: {:?}", self.done));
        }
        if self.steps().into_iter().any(Step::is_inner) {
            return None;
        }
        // Everybody sleeps, and will until something happens outside.
        let stats = self.pool.stats();
        let retries = if self.has_delays { 0 } else { stats.retrying };
        let work = stats.pending + retries;
        let drivers = self.drivers.iter().flatten();
        let credit: u32 = drivers
            .filter(|driver| !driver.is_stalled)
            .map(|driver| driver.link.connection().credit().streams)
            .sum();
        if work > 0 && credit > 0 {
            return Some(format!("{work} jobs wait, {credit} may go, and all sleep"));
        }
        let in_flight: u64 = self.drivers.iter().flatten().map(Driver::in_flight).sum();
        let alive = u64::from(self.submitted) - self.done.len() as u64;
        let known = stats.pending + stats.retrying + in_flight;
        if known != alive || stats.inflight != in_flight {
            return Some(format!(
                "{alive} jobs are alive, {in_flight} in flight: {stats:?}"
            ));
        }
        None
    }

    /// The whole state, condensed.
    pub(crate) fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        format!("{self:?}").hash(&mut hasher);
        hasher.finish()
    }

    fn submit(&mut self) {
        self.setup.submits -= 1;
        let head = Head::new(Method::POST, Fields::new());
        let request = Request::new(head, "/3/device/00", "{}").expect("a valid request");
        let submitted = self
            .pool
            .submit(self.now, Job::new(request, self.submitted));
        let submitted = submitted.expect("room for a few jobs");
        self.submitted += 1;
        self.tickets.push(submitted.ticket);
        self.send_wake(submitted.wake);
    }

    fn send_wake(&mut self, wake: Option<LinkId>) {
        let Some(LinkId(id)) = wake else { return };
        self.is_storm |= self.on_its_way.replace(id).is_some();
        self.wakes.insert(id);
    }

    fn deliver(&mut self, id: u16) {
        self.wakes.remove(&id);
        let Some(driver) = self.driver(id) else {
            return;
        };
        driver.flag = true;
        // A driver that sleeps is woken; one that is about to sleep will look at its flag.
        if driver.state == State::Asleep {
            driver.state = State::Awake;
        }
    }

    fn turn(&mut self, id: u16) {
        let (now, reads_flag_first) = (self.now, self.setup.reads_flag_first);
        let Some(mut driver) = self.drivers[usize::from(id)].take() else {
            return;
        };
        if std::mem::take(&mut driver.flag) {
            driver.link.handle_wake();
        }
        driver.read(now);
        let mut wake = None;
        let may_take = !driver.is_stalled;
        if driver.link.wants_exchange(may_take) {
            wake = driver
                .link
                .exchange(now, Duration::ZERO, may_take, &mut self.pool);
            driver.link.handle_taken(now);
            self.on_its_way = self.on_its_way.filter(|other| *other != id);
        }
        while let Some(done) = driver.link.poll_done() {
            self.done.push(done.tag);
        }
        driver.write(now);
        let is_closed = driver.link.is_closed();
        let has_more = driver.link.wants_exchange(may_take) || !driver.peer.output.is_empty();
        if !has_more {
            let saw_flag = !reads_flag_first && driver.flag;
            driver.state = State::Parking { saw_flag };
        }
        self.drivers[usize::from(id)] = Some(driver);
        self.send_wake(wake);
        if is_closed {
            self.end(id);
        }
    }

    fn park(&mut self, id: u16) {
        let reads_flag_first = self.setup.reads_flag_first;
        let Some(driver) = self.driver(id) else {
            return;
        };
        if let State::Parking { saw_flag } = driver.state {
            let is_woken = if reads_flag_first {
                saw_flag
            } else {
                driver.flag
            };
            driver.state = if is_woken {
                State::Awake
            } else {
                State::Asleep
            };
        }
    }

    /// The server does something, and the driver finds its socket readable.
    fn serve(&mut self, id: u16, what: impl FnOnce(&mut Driver)) {
        if let Some(driver) = self.driver(id) {
            what(driver);
            driver.state = State::Awake;
        }
    }

    fn end(&mut self, id: u16) {
        let Some(mut driver) = self.drivers[usize::from(id)].take() else {
            return;
        };
        driver.link.handle_disconnect(self.now, Disconnect::Reset);
        while let Some(done) = driver.link.poll_done() {
            self.done.push(done.tag);
        }
        let wake = self.pool.link_closed(self.now, driver.link);
        self.wakes.remove(&id);
        self.on_its_way = self.on_its_way.filter(|other| *other != id);
        self.send_wake(wake);
    }

    fn up(&mut self) {
        let Some(dial) = self.dials.pop() else { return };
        let Ok(link) = self.pool.dialed(self.now, dial, Some(b"h2")) else {
            return;
        };
        let at = usize::from(link.id().0);
        if self.drivers.len() <= at {
            self.drivers.resize_with(at + 1, || None);
        }
        self.drivers[at] = Some(Driver::new(link, self.setup.limit));
    }

    fn drain(&mut self) {
        while let Some(action) = self.pool.poll_action() {
            match action {
                Action::Wake(id) => self.send_wake(Some(id)),
                Action::Dial(dial) => self.dials.push(dial),
                Action::Done(done) => self.done.push(done.tag),
                _ => {}
            }
        }
    }

    fn driver(&mut self, id: u16) -> Option<&mut Driver> {
        self.drivers.get_mut(usize::from(id))?.as_mut()
    }
}

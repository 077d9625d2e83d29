//! What must hold when everybody sleeps, and that all ends well once everything works.

use std::rc::Rc;
use std::time::Duration;

use aapns_proto::job::RejectReason;
use aapns_proto::pool::{Auth, Close};
use aapns_proto::time::Time;

use super::{Caller, World, job};

impl World {
    /// Lets everything happen that needs neither time nor a server.
    pub(super) fn rest(&mut self) {
        for _ in 0..1_000 {
            self.serve_pool();
            self.deliver_wakes();
            let mut is_busy = false;
            for at in 0..self.ends.len() {
                if let Some(end) = &self.ends[at] {
                    is_busy |= end.link.wants_exchange(true) || end.link.is_closed();
                    self.turn(at, true);
                }
            }
            self.drain_actions();
            if !is_busy && self.wakes.is_empty() {
                self.serve_pool();
                return self.model.check_deadlines(self.now);
            }
        }
        panic!("no rest");
    }

    /// No link sleeps while there is work that it could take: a stray wake brings nothing to light.
    pub(super) fn check_wakes(&mut self) {
        if self.is_clock_news {
            return; // an exchange would judge the token's age anew
        }
        for at in 0..self.ends.len() {
            let Some(end) = self.ends[at].as_mut() else {
                continue;
            };
            let before = self.pool.stats();
            end.link.handle_wake();
            self.turn(at, true);
            let after = self.pool.stats();
            assert!(
                after.pending + after.retrying >= before.pending + before.retrying,
                "a wake was lost: {before:?} became {after:?}"
            );
            self.serve_pool();
        }
    }

    /// Everything works from now on: all that is left must come to its end.
    pub(super) fn calm(&mut self) {
        for _ in 0..5_000 {
            self.rest();
            if self.model.is_idle() {
                return;
            }
            let mut is_busy = self.answer_pool();
            for at in 0..self.ends.len() {
                is_busy |= self.help(at);
            }
            if !is_busy {
                let next = self.next_moment();
                self.now = next.expect("what waits has a timer").max(self.now);
            }
        }
        panic!("not over: {:?}", self.model);
    }

    /// Dials and mints succeed; whether there were any.
    fn answer_pool(&mut self) -> bool {
        let is_busy = !self.dials.is_empty() || !self.mints.is_empty();
        for dial in std::mem::take(&mut self.dials) {
            self.connect(dial, 10);
            self.drain_actions();
        }
        for mint in std::mem::take(&mut self.mints) {
            let token = self.token(0);
            self.pool.minted(self.now, self.unix(), mint, Ok(token));
            self.drain_actions();
        }
        is_busy
    }

    /// A server that answers everything; whether anything moved.
    fn help(&mut self, at: usize) -> bool {
        if self.ends[at].is_none() {
            return false;
        }
        self.write(at, usize::MAX);
        let end = self.ends[at].as_mut().expect("a link");
        end.server.help();
        let is_busy = !end.server.output.is_empty();
        self.read(at);
        self.turn(at, true);
        is_busy
    }

    pub(super) fn end(mut self) {
        self.model.check_end(&self.pool.stats());
        let mut links = self.ends.iter().flatten().map(|end| &end.link);
        assert!(links.all(|link| link.connection().in_flight() == 0));
        let until = self.now + Duration::from_secs(10);
        self.pool.close(self.now, Close::Drain { until });
        self.model.is_closing = true;
        while !self.model.is_closed {
            self.rest();
            self.answer_pool();
            let is_busy = (0..self.ends.len()).fold(false, |busy, at| busy | self.help(at));
            if !is_busy && !self.model.is_closed {
                let next = self.next_moment().expect("a pool that closes has a timer");
                self.now = next.max(self.now);
            }
            assert!(
                self.now <= until + Duration::from_secs(1),
                "it never closes"
            );
        }
        assert!(self.ends.iter().all(Option::is_none));
        self.pool.handle_timeout(Time::NEVER);
        self.pool.resize(self.now, 4, 4);
        self.pool.set_credential(self.now, Auth::Token);
        let caller = Caller {
            number: self.model.next(),
            is_gone: Rc::default(),
        };
        let late = self.pool.submit(self.now, job(&caller, 2));
        assert!(late.is_err_and(|late| late.reason == RejectReason::Closed));
        self.drain_actions();
        assert_eq!(self.pool.poll_timeout(), None);
    }
}

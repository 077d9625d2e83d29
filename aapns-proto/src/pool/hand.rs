//! What a link and its pool hand each other in an exchange.

use std::collections::VecDeque;

use aapns_models::Reason;
use bytes::Bytes;

use crate::delivery::{Cause, Done, GoAway};
use crate::job::Job;
use crate::pool::action::LinkId;
use crate::pool::breaker::Run;
use crate::pool::judge::{Complaint, Pace};
use crate::pool::links::Order;
use crate::pool::stats::Tally;
use crate::request::Response;
use crate::time::Time;

/// A link's half of the table between it and its pool. All of it moves by value: no job is cloned.
pub(crate) struct Hand<T> {
    pub(crate) id: LinkId,
    /// Woken since the last exchange.
    pub(crate) is_woken: bool,
    /// The last exchange had credit and found nothing to take.
    pub(crate) is_hungry: bool,
    /// To the pool: jobs that may be tried again.
    pub(crate) backs: Vec<Back<T>>,
    /// To the pool: what happened.
    pub(crate) news: News,
    /// From the pool: jobs to start.
    pub(crate) taken: Vec<Job<T>>,
    /// For the caller, by way of the link.
    pub(crate) done: VecDeque<Done<T>>,
    /// From the pool: what to do.
    pub(crate) order: Order,
    /// From the pool: how long at least what is in flight may go on after [`Order::Drain`].
    pub(crate) drain_until: Option<Time>,
    /// From the pool: the provider token, if it changed.
    pub(crate) authorization: Option<(u64, Option<Bytes>)>,
    /// From the pool: good answers are news, too.
    pub(crate) is_watched: bool,
}

/// A job that may be tried again.
#[derive(Debug)]
pub(crate) enum Back<T> {
    /// It was taken but couldn't start.
    Unstarted(Job<T>),
    /// Its attempt got no answer.
    Failed(Job<T>, Pace, Cause),
    /// The server wants it later or elsewhere.
    Answered(Job<T>, Response, Complaint),
}

/// What happened to a link since its last exchange.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub(crate) tally: Tally,
    /// The first SETTINGS arrived.
    pub(crate) is_ready: bool,
    /// An answer arrived that doesn't retire the link.
    pub(crate) is_proven: bool,
    /// An answer arrived that has no fatal reason, before those of `run`.
    pub(crate) is_good: bool,
    /// The last answers had this fatal reason.
    pub(crate) run: Option<Run>,
    /// No new request can start; the GOAWAY, if there was one.
    pub(crate) draining: Option<Option<GoAway>>,
    /// No credit and no answer for too long.
    pub(crate) is_stuck: bool,
    /// Worth an exchange of its own.
    pub(crate) is_urgent: bool,
}

impl<T> Hand<T> {
    pub(crate) fn new(id: LinkId) -> Self {
        Self {
            id,
            is_woken: false,
            is_hungry: false,
            backs: Vec::new(),
            news: News::default(),
            taken: Vec::new(),
            done: VecDeque::new(),
            order: Order::None,
            drain_until: None,
            authorization: None,
            is_watched: false,
        }
    }
}

impl News {
    /// An answer with a fatal reason, to a request with the token of this generation.
    pub(crate) fn fatal(&mut self, reason: Reason, token_generation: u64) {
        self.is_urgent = true;
        match &mut self.run {
            Some(run) if run.reason == reason && run.token_generation == token_generation => {
                run.count = run.count.saturating_add(1);
            }
            run => {
                *run = Some(Run {
                    reason,
                    token_generation,
                    count: 1,
                });
            }
        }
    }

    /// An answer without one.
    pub(crate) fn good(&mut self, is_watched: bool) {
        self.is_good = true;
        self.is_urgent |= is_watched;
        self.run = None;
    }
}

//! One request through a pool, as a future.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use aapns_models::{ApnsId, ErrorBody, Reason};

use crate::delivery::Cause;
use crate::job::{Job, RejectReason};
use crate::pool::Ticket;
use crate::request::{Request, Response};
use crate::time::Time;

use super::error::{Failure, PostError};
use super::options::PostOptions;
use super::reply::Reply;
use super::room::Place;
use super::runtime::Runtime;
use super::shared::{Core, Shared};

/// A final response, and how it was got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The response, of any status.
    pub response: Response,
    /// How many attempts were begun on a connection.
    pub attempts: u32,
    /// It was sent again after an attempt that may have been processed.
    pub possible_duplicate: bool,
}

impl Answer {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.response.status
    }

    /// `apns-id` of the response.
    pub fn apns_id(&self) -> Option<ApnsId> {
        self.response.apns_id
    }

    /// APNs' reason in the body, if there is one.
    pub fn reason(&self) -> Option<Reason> {
        ErrorBody::parse(&self.response.body).reason
    }
}

/// A request on its way through a [`Pool`](super::Pool): resolves to the answer.
///
/// The request is queued by the call that made this future, in the order of calls; polling only waits.
/// Dropping it is safe at any time: a request that still waits is taken out of the queue, one that is in
/// flight keeps its stream until the answer or the deadline and is never sent again.
#[must_use = "dropping it takes the request back"]
pub struct Post<R: Runtime> {
    shared: Arc<Shared<R>>,
    stage: Stage,
}

enum Stage {
    /// The queue is full: in line for room.
    Waiting(Box<Job<Arc<Reply>>>, Place),
    Queued(Arc<Reply>, Ticket),
    Failed(Box<PostError>),
    Over,
}

impl Stage {
    #[cold]
    fn failed(error: PostError) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl<R: Runtime> Post<R> {
    /// Queues the request, or joins the line of those that wait for room.
    pub(super) fn begin(
        shared: &Arc<Shared<R>>,
        request: Request,
        options: PostOptions,
        may_wait: bool,
    ) -> Self {
        let now = shared.runtime.now();
        let (deadline, policy) = options.resolve(now, shared.defaults);
        let reply = Arc::new(Reply::default());
        let job = Job::new(request, reply).deadline(deadline).policy(policy);
        let stage = submit(shared, now, job, |core, job, reason| match reason {
            RejectReason::Full if may_wait => {
                let place = core.wait_for_room(job.deadline);
                Stage::Waiting(Box::new(job), place)
            }
            reason => Stage::failed(PostError::rejected(reason)),
        });
        Self {
            shared: Arc::clone(shared),
            stage,
        }
    }

    /// Polled before it was queued, or after its end.
    #[cold]
    fn poll_unqueued(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answer, PostError>> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Waiting(job, place) => self.poll_place(cx, *job, place),
            Stage::Failed(error) => return Poll::Ready(Err(*error)),
            stage @ (Stage::Queued(..) | Stage::Over) => self.stage = stage,
        }
        match self.stage {
            Stage::Queued(..) | Stage::Failed(_) => Pin::new(self).poll(cx),
            Stage::Waiting(..) | Stage::Over => Poll::Pending,
        }
    }

    /// Called, or woken for another reason, while in line.
    fn poll_place(&mut self, cx: &mut Context<'_>, job: Job<Arc<Reply>>, place: Place) {
        let now = self.shared.runtime.now();
        let is_late = job.deadline.is_some_and(|d| d <= now);
        self.stage = self.shared.with(|core| {
            if is_late && !core.is_closed {
                core.leave_room(place);
                return Stage::failed(PostError::Timeout(Failure::not_sent(Cause::Timeout)));
            }
            if !core.room.is_called(place, cx.waker()) {
                return Stage::Waiting(Box::new(job), place);
            }
            let reply = Arc::clone(&job.tag);
            match core.pool.submit(now, job) {
                Ok(submitted) => {
                    core.leave_room(place);
                    core.wake_link(submitted.wake);
                    Stage::Queued(reply, submitted.ticket)
                }
                Err(rejected) if rejected.reason == RejectReason::Full => {
                    core.room.wait_again(place, cx.waker());
                    Stage::Waiting(Box::new(rejected.job), place)
                }
                Err(rejected) => {
                    core.leave_room(place);
                    Stage::failed(PostError::rejected(rejected.reason))
                }
            }
        });
    }
}

/// Queues a job unless others wait in line before it.
fn submit<R: Runtime>(
    shared: &Shared<R>,
    now: Time,
    job: Job<Arc<Reply>>,
    otherwise: impl FnOnce(&mut Core, Job<Arc<Reply>>, RejectReason) -> Stage,
) -> Stage {
    let reply = Arc::clone(&job.tag);
    let (stage, wake) = shared.with(|core| {
        if !core.room.is_empty() {
            return (otherwise(core, job, RejectReason::Full), None);
        }
        match core.pool.submit(now, job) {
            Ok(submitted) => (Stage::Queued(reply, submitted.ticket), submitted.wake),
            Err(rejected) => (otherwise(core, rejected.job, rejected.reason), None),
        }
    });
    shared.bells.ring(wake);
    stage
}

impl<R: Runtime> Future for Post<R> {
    type Output = Result<Answer, PostError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Stage::Queued(reply, _) = &self.stage {
            let settled = ready!(reply.poll(cx));
            self.stage = Stage::Over;
            return Poll::Ready(settled.into_result());
        }
        self.poll_unqueued(cx)
    }
}

impl<R: Runtime> Drop for Post<R> {
    fn drop(&mut self) {
        if let Stage::Over = self.stage {
            return;
        }
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Waiting(_, place) => self.shared.with(|core| core.leave_room(place)),
            Stage::Queued(reply, ticket) => {
                reply.abandon();
                // Bound outside the closure's lock: the job is dropped after it.
                let _job = self.shared.with(|core| core.pool.cancel(ticket));
            }
            Stage::Failed(_) | Stage::Over => {}
        }
    }
}

impl<R: Runtime> std::fmt::Debug for Post<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.stage {
            Stage::Waiting(..) => "Post(waiting for room)",
            Stage::Queued(..) => "Post(queued)",
            Stage::Failed(_) => "Post(failed)",
            Stage::Over => "Post(over)",
        })
    }
}

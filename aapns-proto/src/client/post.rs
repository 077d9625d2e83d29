//! One request through a pool, as a future.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use aapns_models::{ApnsId, ErrorBody, Reason};

use crate::job::Job;
use crate::request::{Request, Response};

use super::error::PostError;
use super::options::PostOptions;
use super::reply::Reply;
use super::runtime::Runtime;
use super::shared::Shared;

/// A final response, and how it was got.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
/// The request is queued, or stands in line for a full queue, by the call that made this future, in the
/// order of calls; polling only waits.
/// Dropping it is safe at any time: a request that still waits is taken out of the queue, one that is in
/// flight keeps its stream until the answer or the deadline and is never sent again.
#[must_use = "dropping it takes the request back"]
pub struct Post<R: Runtime> {
    shared: Arc<Shared<R>>,
    stage: Stage,
}

enum Stage {
    /// In line for the queue, in it, or in flight.
    Posted(Arc<Reply>),
    Failed(Box<PostError>),
    Over,
}

impl<R: Runtime> Post<R> {
    /// Queues the request, or puts it in line for room.
    pub(super) fn begin(
        shared: &Arc<Shared<R>>,
        request: Request,
        options: PostOptions,
        may_wait: bool,
    ) -> Self {
        let now = shared.runtime.now();
        let (deadline, policy) = options.resolve(now, shared.defaults);
        let reply = Arc::new(Reply::new(shared.observer.request(now)));
        let job = Job::new(request, Arc::clone(&reply));
        let job = job.deadline(deadline).policy(policy);
        let posted = shared.with(|core| {
            let posted = core.post(now, job, &reply, may_wait);
            shared.observer.load(&core.pool);
            posted
        });
        let stage = match posted {
            Ok(wake) => {
                shared.observer.began();
                shared.bells.ring(wake);
                Stage::Posted(reply)
            }
            Err(reason) => Stage::Failed(Box::new(PostError::rejected(reason))),
        };
        Self {
            shared: Arc::clone(shared),
            stage,
        }
    }
}

impl<R: Runtime> Future for Post<R> {
    type Output = Result<Answer, PostError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Stage::Posted(reply) = &self.stage
            && Arc::strong_count(reply) > 1
        {
            let result = reply.poll(cx);
            if result.is_ready() {
                self.stage = Stage::Over;
            }
            return result;
        }
        match std::mem::replace(&mut self.stage, Stage::Over) {
            // The job has ended, as a rule.
            Stage::Posted(reply) => match reply.take() {
                Ok(result) => result,
                Err(reply) => {
                    let result = reply.poll(cx);
                    if result.is_pending() {
                        self.stage = Stage::Posted(reply);
                    }
                    result
                }
            },
            Stage::Failed(error) => Poll::Ready(Err(*error)),
            Stage::Over => Poll::Pending,
        }
    }
}

impl<R: Runtime> Drop for Post<R> {
    fn drop(&mut self) {
        if let Stage::Posted(reply) = std::mem::replace(&mut self.stage, Stage::Over) {
            // First: what isn't taken back below starts no further attempt.
            reply.abandon();
            // Bound outside the closure's lock: the job is dropped after it.
            let job = self.shared.with(|core| core.take_back(&reply));
            if job.is_some() {
                let now = || self.shared.runtime.now();
                self.shared.observer.taken_back(now, reply.told());
            }
        }
    }
}

impl<R: Runtime> std::fmt::Debug for Post<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.stage {
            Stage::Posted(_) => "Post(under way)",
            Stage::Failed(_) => "Post(failed)",
            Stage::Over => "Post(over)",
        })
    }
}

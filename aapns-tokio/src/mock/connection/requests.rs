//! What becomes of a request: taken up, judged, noted, and answered now, later or never.

use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::request::Parts;
use http::{HeaderValue, Method, Request, header};
use tokio::io::{AsyncRead, AsyncWrite};

use super::handed::Handing;
use super::incoming::Incoming;
use super::{Connection, Later, Owed, Phase};
use crate::mock::answer::{Ids, send};
use crate::mock::ledger::Received;
use crate::mock::log::Event;
use crate::mock::scenario::Action;
use crate::mock::script::{Fate, Plan};
use crate::mock::tap::lock;
use crate::mock::{channels, view};

impl<IO: AsyncRead + AsyncWrite + Unpin> Connection<IO> {
    pub(super) fn take_up(
        &mut self,
        cx: &mut Context<'_>,
        request: Request<RecvStream>,
        mut respond: SendResponse<Bytes>,
    ) {
        let stream = respond.stream_id().as_u32();
        if lock(&self.wire).streams.take_over_limit(stream) {
            lock(&self.shared.ledger).counts.over_limit += 1;
            self.refuse(&mut respond, false);
            return;
        }
        let mut incoming = Incoming::new(request, respond);
        match incoming.poll(cx) {
            Poll::Ready(Ok(octets)) => self.received(incoming, octets),
            // The client took it back.
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.incoming.push(incoming),
        }
    }

    pub(super) fn poll_incoming(&mut self, cx: &mut Context<'_>) {
        let mut index = 0;
        while let Some(incoming) = self.incoming.get_mut(index) {
            match incoming.poll(cx) {
                Poll::Pending => index += 1,
                Poll::Ready(done) => {
                    let incoming = self.incoming.swap_remove(index);
                    if let Ok(octets) = done {
                        self.received(incoming, octets);
                    }
                }
            }
        }
    }

    /// A request is complete: it is processed, unless a GOAWAY leaves it out.
    fn received(&mut self, incoming: Incoming, body: Bytes) {
        let stream = incoming.respond.stream_id().as_u32();
        match &mut self.phase {
            Phase::Holding(left, _) if stream > self.highest => {
                *left = left.saturating_sub(1);
                let enough = *left == 0;
                self.leave_out(incoming.respond);
                if enough {
                    self.say_goaway();
                }
            }
            Phase::Gone { last, .. } if stream > *last => self.leave_out(incoming.respond),
            _ => self.process(incoming, body, stream),
        }
    }

    fn leave_out(&mut self, respond: SendResponse<Bytes>) {
        lock(&self.shared.ledger).counts.after_goaway += 1;
        self.withheld.push(respond);
    }

    fn process(&mut self, mut incoming: Incoming, body: Bytes, stream: u32) {
        let path = incoming.parts.uri.path();
        if view::is_own(path) {
            self.highest = self.highest.max(stream);
            return self.show(incoming);
        }
        let shared = self.shared.clone();
        let plan = self
            .script
            .plan(&shared.scenario, &shared.used, path, &mut self.random);
        if let Fate::Refused { twice } = plan.fate {
            self.refuse(&mut incoming.respond, twice);
        } else {
            self.highest = self.highest.max(stream);
            self.decide(incoming, body, &plan);
        }
        for action in plan.then {
            self.obey(action);
        }
    }

    /// Answers about the mock itself: no rule looks at it, and it isn't counted.
    fn show(&mut self, mut incoming: Incoming) {
        let Parts { method, uri, .. } = &incoming.parts;
        let target = uri.path_and_query().map_or("", |target| target.as_str());
        let reply = view::answer(&mut lock(&self.shared.ledger), method, target);
        let mut response = http::Response::new(());
        *response.status_mut() = reply.status;
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        let has_body = !reply.json.is_empty() && method != Method::HEAD;
        let body = has_body.then(|| reply.json.into());
        if send(&mut incoming.respond, response, body) {
            let stream = incoming.respond.stream_id().as_u32();
            self.handed.push_body(stream);
        }
    }

    /// Decides, notes the decision, and answers now, later or never.
    fn decide(&mut self, incoming: Incoming, body: Bytes, plan: &Plan) {
        let Incoming {
            parts,
            respond,
            length,
            ..
        } = incoming;
        let answer = match self.shared.judge(&parts, length, &mut self.verified) {
            Err(rejection) => rejection,
            Ok(()) => match &plan.answer {
                Some(answer) => answer.clone(),
                None => self.shared.accept(&parts, &body, length),
            },
        };
        let path = parts.uri.path();
        let is_about_channels = channels::is_path(path);
        let is_notification = !path.starts_with(channels::MANAGEMENT);
        let name = if is_about_channels {
            "apns-request-id"
        } else {
            "apns-id"
        };
        let given = parts.headers.get(name).cloned();
        self.expire_token(plan, &parts);
        let mut owed = Owed {
            respond,
            apns_id: given.clone().unwrap_or_else(|| self.ids.uuid()),
            is_about_channels,
            is_accepted: is_notification && answer.is_ok(),
            is_head: parts.method == Method::HEAD,
            answer,
        };
        let is_lost = self.silent || plan.fate != Fate::Answered;
        // Twice the same question is no duplicate.
        let given = given.filter(|_| is_notification);
        self.note_decision(&owed, parts, body, given, is_lost);
        match plan.fate {
            Fate::Reset(code) => owed.respond.send_reset(code.into()),
            Fate::Ignored => self.withheld.push(owed.respond),
            _ => self.owe(plan.delay, owed),
        }
    }

    fn note_decision(
        &self,
        owed: &Owed,
        parts: Parts,
        body: Bytes,
        given: Option<HeaderValue>,
        is_lost: bool,
    ) {
        let apns_id = owed.apns_id.to_str().unwrap_or("");
        if owed.is_accepted {
            self.shared.log.note(&Event::Accepted {
                connection: self.number,
                stream: owed.respond.stream_id().as_u32(),
                device_token: crate::mock::check::device_token(parts.uri.path()).unwrap_or(""),
                apns_id,
            });
        }
        let received = Received {
            number: 0,
            at_ms: unix_ms(),
            connection: self.number,
            status: owed.answer.status,
            reason: owed.answer.reason.clone(),
            apns_id: apns_id.to_owned(),
            parts,
            body,
        };
        let mut ledger = lock(&self.shared.ledger);
        ledger.processed(received, given.as_ref().map(HeaderValue::as_bytes));
        ledger.counts.unanswered += u64::from(owed.is_accepted && is_lost);
    }

    fn owe(&mut self, delay: Duration, owed: Owed) {
        if delay.is_zero() {
            self.answer(owed);
        } else if !self.silent {
            self.owed += 1;
            self.owed_accepted += u64::from(owed.is_accepted);
            self.timers.set(delay, Later::Answer(owed));
        }
    }

    pub(super) fn answer(&mut self, owed: Owed) {
        if self.silent {
            return;
        }
        let stream = owed.respond.stream_id().as_u32();
        self.handed.push(Handing {
            stream,
            apns_id: owed.apns_id.clone(),
            status: owed.answer.status,
            reason: owed.answer.reason.clone(),
            is_accepted: owed.is_accepted,
        });
        let ids = if owed.is_about_channels {
            Ids::Request(owed.apns_id)
        } else {
            let unique_id = (!self.shared.production).then(|| self.ids.uuid());
            Ids::Notification(owed.apns_id, unique_id)
        };
        if owed.answer.send(owed.respond, ids, owed.is_head) {
            self.handed.push_body(stream);
        }
    }

    fn refuse(&mut self, respond: &mut SendResponse<Bytes>, twice: bool) {
        let stream = respond.stream_id().as_u32();
        lock(&self.shared.ledger).counts.refused += 1;
        self.shared.log.note(&Event::Refused {
            connection: self.number,
            stream,
        });
        if twice {
            lock(&self.wire).reset_twice(stream);
        }
        respond.send_reset(h2::Reason::REFUSED_STREAM);
    }

    fn expire_token(&self, plan: &Plan, parts: &Parts) {
        if plan.then.contains(&Action::ExpireToken)
            && let Some(token) = parts.headers.get("authorization")
        {
            self.shared.expire(token.clone());
        }
    }
}

fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(now.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

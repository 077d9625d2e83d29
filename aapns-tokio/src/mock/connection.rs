//! One connection of the mock: h2's server in, decisions out, one write a turn.

mod judge;
mod orders;

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use h2::server::SendResponse;
use http::request::Parts;
use http::{HeaderValue, Request};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::timeout;

use self::judge::Verified;
use super::Answer;
use super::ledger::Received;
use super::log::Event;
use super::random::Random;
use super::scenario::{Action, Goaway};
use super::script::{Fate, Plan, Script};
use super::server::Shared;
use super::tap::{Tap, Wire, lock};
use super::timers::Timers;

/// Requests taken up in one turn; then others get theirs.
const ACCEPTS: u32 = 256;
/// Octets of body that are kept: more than any limit of Apple's.
const BODY: usize = 16 * 1024;
/// Both receive windows: no client waits for them.
const WINDOW: u32 = 16 * 1024 * 1024;
/// A client that was told to go is given so long to close.
const FAREWELL: Duration = Duration::from_secs(1);

/// What the accept loop knows of a connection.
pub(super) struct Accepted<IO> {
    pub(super) io: IO,
    pub(super) number: u64,
    pub(super) orders: mpsc::UnboundedReceiver<Action>,
}

struct Connection<IO> {
    number: u64,
    shared: Arc<Shared>,
    h2: h2::server::Connection<Tap<IO>, Bytes>,
    wire: Arc<Mutex<Wire<IO>>>,
    orders: mpsc::UnboundedReceiver<Action>,
    script: Script,
    random: Random,
    /// Requests whose body isn't complete.
    incoming: Vec<Incoming>,
    timers: Timers<Later>,
    /// Answers among the timers.
    owed: usize,
    /// Streams that get no answer: dropped, h2 would reset them.
    withheld: Vec<SendResponse<Bytes>>,
    /// The highest stream that was processed.
    highest: u32,
    phase: Phase,
    cut: bool,
    verified: Verified,
}

enum Phase {
    Open,
    /// Takes in requests to leave unprocessed.
    Holding(u64, Goaway),
    Gone {
        last: u32,
        linger: bool,
    },
}

enum Later {
    Answer(Owed),
    Order(Action),
    Goaway,
}

struct Owed {
    respond: SendResponse<Bytes>,
    answer: Answer,
    apns_id: HeaderValue,
}

struct Incoming {
    parts: Parts,
    body: RecvStream,
    respond: SendResponse<Bytes>,
    octets: BytesMut,
    length: usize,
}

enum End {
    Client,
    Goaway,
    Cut,
    Failed(String),
}

/// Serves a connection to its end, and says why it ended.
pub(super) async fn serve<IO>(accepted: Accepted<IO>, shared: Arc<Shared>) -> String
where
    IO: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (tap, wire) = Tap::new(accepted.io, shared.scenario.limit());
    let mut handshake = std::pin::pin!(
        h2::server::Builder::new()
            .initial_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .data_frame_budget(WINDOW as usize)
            .handshake(tap)
    );
    let h2 = poll_fn(|cx| {
        let done = handshake.as_mut().poll(cx);
        match lock(&wire).poll_flush(cx) {
            Poll::Ready(Err(_)) => Poll::Ready(None),
            _ => done.map(Result::ok),
        }
    });
    let Some(h2) = h2.await else {
        return "no HTTP/2 preface".to_owned();
    };
    let script = Script::new(accepted.number);
    let mut timers = Timers::new();
    for (delay, action) in script.timed(&shared.scenario, &shared.used) {
        timers.set(delay, Later::Order(action));
    }
    let mut connection = Connection {
        number: accepted.number,
        random: Random::new(shared.seed ^ accepted.number.wrapping_mul(0x9e37_79b9)),
        h2,
        wire: wire.clone(),
        orders: accepted.orders,
        script,
        incoming: Vec::new(),
        timers,
        owed: 0,
        withheld: Vec::new(),
        highest: 0,
        phase: Phase::Open,
        cut: false,
        verified: None,
        shared,
    };
    let end = poll_fn(|cx| connection.poll(cx)).await;
    connection.shared.log.flush();
    match end {
        End::Cut => "cut".to_owned(),
        End::Client => "client".to_owned(),
        End::Failed(why) => {
            say_farewell(&wire).await;
            why
        }
        End::Goaway => {
            say_farewell(&wire).await;
            "goaway".to_owned()
        }
    }
}

async fn say_farewell<IO: AsyncRead + AsyncWrite + Unpin>(wire: &Mutex<Wire<IO>>) {
    let _ = timeout(FAREWELL, async {
        let _ = poll_fn(|cx| lock(wire).poll_shutdown(cx)).await;
        poll_fn(|cx| lock(wire).poll_drain(cx)).await;
    })
    .await;
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Connection<IO> {
    /// A turn: what was ordered, what is due, what came in, then one write of all that it led to.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        while let Poll::Ready(Some(action)) = self.orders.poll_recv(cx) {
            self.obey(action, None);
        }
        self.poll_incoming(cx);
        loop {
            if let Some(end) = self.poll_accept(cx) {
                return Poll::Ready(end);
            }
            // After h2, so that a timer that a request set is armed; and h2 again, so that its answer leaves.
            let Poll::Ready(later) = self.timers.poll_next(cx) else {
                break;
            };
            self.fall_due(later);
            while let Poll::Ready(later) = self.timers.poll_next(cx) {
                self.fall_due(later);
            }
        }
        if self.cut {
            return Poll::Ready(End::Cut);
        }
        self.shared.log.flush();
        match lock(&self.wire).poll_flush(cx) {
            Poll::Ready(Ok(())) if self.is_done() => Poll::Ready(End::Goaway),
            Poll::Ready(Err(error)) => Poll::Ready(End::Failed(error.to_string())),
            _ => Poll::Pending,
        }
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Option<End> {
        for _ in 0..ACCEPTS {
            match self.h2.poll_accept(cx) {
                Poll::Ready(Some(Ok((request, respond)))) => self.take_up(cx, request, respond),
                Poll::Ready(Some(Err(error))) => return Some(ending(&error)),
                Poll::Ready(None) => return Some(End::Client),
                Poll::Pending => return None,
            }
            if self.cut {
                return Some(End::Cut);
            }
        }
        cx.waker().wake_by_ref();
        None
    }

    fn is_done(&self) -> bool {
        matches!(self.phase, Phase::Gone { linger: false, .. })
            && self.owed == 0
            && self.incoming.is_empty()
    }

    fn take_up(
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
        let (parts, body) = request.into_parts();
        let mut incoming = Incoming {
            parts,
            body,
            respond,
            octets: BytesMut::new(),
            length: 0,
        };
        match incoming.poll(cx) {
            Poll::Ready(Ok(octets)) => self.received(incoming, octets),
            // The client took it back.
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.incoming.push(incoming),
        }
    }

    fn poll_incoming(&mut self, cx: &mut Context<'_>) {
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
        let shared = self.shared.clone();
        let plan = self
            .script
            .plan(&shared.scenario, &shared.used, path, &mut self.random);
        if let Fate::Refused { twice } = plan.fate {
            self.refuse(&mut incoming.respond, twice);
        } else {
            self.highest = self.highest.max(stream);
            self.decide(incoming, body, stream, &plan);
        }
        for action in plan.then {
            self.obey(action, Some(stream));
        }
    }

    /// Decides, notes the decision, and answers now, later or never.
    fn decide(&mut self, incoming: Incoming, body: Bytes, stream: u32, plan: &Plan) {
        let Incoming {
            parts,
            mut respond,
            length,
            ..
        } = incoming;
        let answer = match self.shared.judge(&parts, length, &mut self.verified) {
            Err(rejection) => rejection,
            Ok(()) => plan.answer.clone().unwrap_or(Answer::ok()),
        };
        let given = parts.headers.get("apns-id").cloned();
        let apns_id = match &given {
            Some(id) => id.clone(),
            None => self.random.uuid(),
        };
        self.expire_token(plan, &parts);
        if answer.is_ok() {
            self.shared.log.note(&Event::Accepted {
                connection: self.number,
                stream,
                device_token: super::check::device_token(parts.uri.path()).unwrap_or(""),
                apns_id: apns_id.to_str().unwrap_or(""),
            });
        }
        let received = Received {
            connection: self.number,
            status: answer.status,
            parts,
            body,
        };
        let lost = answer.is_ok() && plan.fate != Fate::Answered;
        {
            let mut ledger = lock(&self.shared.ledger);
            ledger.processed(received, given.as_ref().map(HeaderValue::as_bytes));
            ledger.counts.unanswered += u64::from(lost);
        }
        match plan.fate {
            Fate::Reset(code) => respond.send_reset(code.into()),
            Fate::Ignored => self.withheld.push(respond),
            _ => self.owe(
                plan.delay,
                Owed {
                    respond,
                    answer,
                    apns_id,
                },
            ),
        }
    }

    fn owe(&mut self, delay: Duration, owed: Owed) {
        if delay.is_zero() {
            self.answer(owed);
        } else {
            self.owed += 1;
            self.timers.set(delay, Later::Answer(owed));
        }
    }

    fn answer(&mut self, owed: Owed) {
        self.shared.log.note(&Event::Answered {
            connection: self.number,
            stream: owed.respond.stream_id().as_u32(),
            apns_id: owed.apns_id.to_str().unwrap_or(""),
            status: owed.answer.status,
            reason: owed.answer.reason.as_deref(),
        });
        let unique_id = (!self.shared.production).then(|| self.random.uuid());
        owed.answer.send(owed.respond, &owed.apns_id, unique_id);
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

    fn fall_due(&mut self, later: Later) {
        match later {
            Later::Answer(owed) => {
                self.owed -= 1;
                self.answer(owed);
            }
            Later::Order(action) => self.obey(action, None),
            Later::Goaway => self.say_goaway(),
        }
    }
}

impl Incoming {
    /// The whole body, once it is there; octets beyond [`BODY`] are counted and not kept.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, h2::Error>> {
        while let Some(chunk) = ready!(self.body.poll_data(cx)) {
            let chunk = chunk?;
            self.length += chunk.len();
            // Fails only for more than was received.
            let _ = self.body.flow_control().release_capacity(chunk.len());
            if self.length == chunk.len() && self.body.is_end_stream() {
                return Poll::Ready(Ok(chunk));
            }
            let room = BODY.saturating_sub(self.octets.len());
            self.octets
                .extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        Poll::Ready(Ok(self.octets.split().freeze()))
    }
}

fn ending(error: &h2::Error) -> End {
    let gone = error
        .get_io()
        .is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof);
    if gone || error.is_remote() {
        End::Client
    } else {
        End::Failed(error.to_string())
    }
}

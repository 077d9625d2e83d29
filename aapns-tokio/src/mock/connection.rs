//! One connection of the mock: h2's server in, decisions out, one write a turn.

mod handed;
mod incoming;
mod judge;
mod orders;
mod requests;
mod withheld;

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use http::HeaderValue;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::timeout;

use self::handed::Handed;
use self::incoming::Incoming;
use self::judge::Verified;
use self::withheld::Withheld;
use super::Answer;
use super::goaway::Goaway;
use super::random::Random;
use super::scenario::Action;
use super::script::{self, Script};
use super::server::Shared;
use super::tap::{Tap, Wire, lock};
use super::timers::Timers;

/// Requests taken up in one turn; then others get theirs.
const ACCEPTS: u32 = 256;
/// Both receive windows: no client waits for them.
const WINDOW: u32 = 16 * 1024 * 1024;
/// SETTINGS_MAX_HEADER_LIST_SIZE as Apple's servers announce it.
const HEADER_LIST: u32 = 8_000;
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
    /// For rules alone: what else took from it would change their chances.
    random: Random,
    /// For ids made here.
    ids: Random,
    /// Requests whose body isn't complete.
    incoming: Vec<Incoming>,
    timers: Timers<Later>,
    /// Answers among the timers.
    owed: usize,
    /// Of accepted notifications.
    owed_accepted: u64,
    handed: Handed,
    withheld: Withheld,
    /// The highest stream that was processed.
    highest: u32,
    phase: Phase,
    /// More may have come in than a turn takes up; until then h2 keeps the last answer.
    has_more: bool,
    cut: bool,
    /// Cut, or a black hole: no answer leaves any more.
    silent: bool,
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
    /// The scenario's rule of this index.
    Rule(usize),
    Order(Action),
    Goaway,
}

struct Owed {
    respond: SendResponse<Bytes>,
    answer: Answer,
    /// Or `apns-request-id`.
    apns_id: HeaderValue,
    is_about_channels: bool,
    /// Whether a notification was accepted.
    is_accepted: bool,
    /// A request by HEAD, whose answer has no body (RFC 9110 §9.3.2).
    is_head: bool,
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
            .max_header_list_size(HEADER_LIST)
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
    for (delay, rule) in script.timed(&shared.scenario) {
        timers.set(delay, Later::Rule(rule));
    }
    let mut connection = Connection {
        number: accepted.number,
        random: Random::new(shared.seed ^ accepted.number.wrapping_mul(0x9e37_79b9)),
        ids: Random::unseeded(),
        h2,
        wire: wire.clone(),
        orders: accepted.orders,
        script,
        incoming: Vec::new(),
        timers,
        owed: 0,
        owed_accepted: 0,
        handed: Handed::default(),
        withheld: Withheld::default(),
        highest: 0,
        phase: Phase::Open,
        has_more: false,
        cut: false,
        silent: false,
        verified: None,
        shared,
    };
    let end = poll_fn(|cx| connection.poll(cx)).await;
    connection.note_answers();
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
            self.obey(action);
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
        self.note_answers();
        let mut wire = lock(&self.wire);
        match wire.poll_flush(cx) {
            Poll::Ready(Ok(())) if self.has_more => return Poll::Pending,
            Poll::Ready(Ok(())) => self.handed.written(&wire.streams),
            Poll::Ready(Err(error)) => return Poll::Ready(End::Failed(error.to_string())),
            Poll::Pending => return Poll::Pending,
        }
        drop(wire);
        if self.is_done() {
            Poll::Ready(End::Goaway)
        } else {
            Poll::Pending
        }
    }

    fn note_answers(&mut self) {
        self.handed.note(&self.shared.log, self.number);
        self.shared.log.flush();
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Option<End> {
        self.has_more = false;
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
        self.has_more = true;
        cx.waker().wake_by_ref();
        None
    }

    /// GOAWAY was said, and all is answered that it didn't leave out.
    fn is_done(&self) -> bool {
        let Phase::Gone {
            last,
            linger: false,
        } = self.phase
        else {
            return false;
        };
        let is_left_out = |i: &Incoming| i.respond.stream_id().as_u32() > last;
        !self.silent
            && self.owed == 0
            && !self.handed.has_bodies()
            && self.incoming.iter().all(is_left_out)
    }

    fn fall_due(&mut self, later: Later) {
        match later {
            Later::Answer(owed) => {
                self.owed -= 1;
                self.owed_accepted -= u64::from(owed.is_accepted);
                self.answer(owed);
            }
            Later::Rule(index) => {
                let shared = self.shared.clone();
                if let Some(action) = script::due(&shared.scenario, &shared.used, index) {
                    self.obey(action.clone());
                }
            }
            Later::Order(action) => self.obey(action),
            Later::Goaway => self.say_goaway(),
        }
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

//! A sans-IO Apple Push Notification client: HTTP/2, proof of delivery, pool, retries and timers as
//! pure state machines. No sockets, no clock, no threads, no runtime.
//!
//! ```text
//!  submit ──▶ Pool   queue · expiry · delayed retries · dials · breaker · token schedule
//!               ▲ exchange(): the only call made under the pool's lock
//!             Link × n = Connection + its half of the pull protocol, owned by one task each
//!               │ bytes in / bytes out, time
//!             your driver: socket + TLS
//! ```
//!
//! | you want to | use |
//! |---|---|
//! | send notifications | `aapns-tokio` or `aapns-async-std` |
//! | bring it to another runtime | the module `client::runtime`, feature `client`: implement one trait; a whole adapter is there |
//! | drive, simulate or test it yourself | [`Pool`] and [`Link`], or one [`Connection`] |
//!
//! # The run loop
//! Inputs are methods called `handle_…`, which take the time as an argument; outputs are taken by
//! `poll_…`, [`Link::transmit`] and [`Link::poll_done`]. Here a pool and a server talk in memory:
//!
//! ```
//! use std::time::Duration;
//! use aapns_proto::{Action, Fields, Head, Job, Method, Outcome, Pool, PoolConfig, Request, Time};
//! # struct Server { input: Vec<u8>, output: Vec<u8>, seen_preface: bool }
//! # impl Server {
//! #     fn receive(&mut self, octets: &[u8]) -> usize {
//! #         self.input.extend_from_slice(octets);
//! #         if !self.seen_preface && self.input.len() >= 24 {
//! #             assert_eq!(&self.input[..24], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
//! #             self.input.drain(..24);
//! #             self.seen_preface = true;
//! #             self.output.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]); // SETTINGS
//! #         }
//! #         while self.seen_preface && self.input.len() >= 9 {
//! #             let length = usize::from(self.input[1]) << 8 | usize::from(self.input[2]);
//! #             if self.input.len() < 9 + length { break; }
//! #             let frame: Vec<u8> = self.input.drain(..9 + length).collect();
//! #             match (frame[3], frame[4] & 1) {
//! #                 (4, 0) => self.output.extend([0, 0, 0, 4, 1, 0, 0, 0, 0]), // its ACK
//! #                 (0 | 1, 1) => { // END_STREAM: HEADERS with :status 200
//! #                     self.output.extend([0, 0, 1, 1, 5]);
//! #                     self.output.extend_from_slice(&frame[5..9]);
//! #                     self.output.push(0x88);
//! #                 }
//! #                 _ => {}
//! #             }
//! #         }
//! #         octets.len()
//! #     }
//! #     fn send(&mut self, buf: &mut [u8]) -> usize {
//! #         let n = self.output.len().min(buf.len());
//! #         buf[..n].copy_from_slice(&self.output[..n]);
//! #         self.output.drain(..n);
//! #         n
//! #     }
//! # }
//! # let mut server = Server { input: Vec::new(), output: Vec::new(), seen_preface: false };
//! let now = Time::ZERO;                          // of your monotonic clock
//! let unix = Duration::from_secs(1_800_000_000); // of your wall clock
//! let seed = 4;                                  // all the randomness there is
//!
//! let mut pool = Pool::new(PoolConfig::default(), seed, now);
//! let head = Head::new(Method::POST, Fields::new().with("apns-topic", "com.example.app")?);
//! let request = Request::new(head, "/3/device/00fc13ad", r#"{"aps":{"alert":"hi"}}"#)?;
//! let tag = 7_u32;                               // comes back with the outcome, once
//! let submitted = pool.submit(now, Job::new(request, tag)).expect("an empty queue has room");
//! assert_eq!(submitted.wake, None);              // no link is up that could be woken
//!
//! // The rare things that a pool wants done are actions: here, that it needs a connection.
//! let mut actions = std::iter::from_fn(|| pool.poll_action());
//! let dial = actions.find_map(|action| match action {
//!     Action::Dial(dial) => Some(dial),
//!     _ => None,
//! });
//! let dial = dial.expect("there is work and no link");
//! let mut link = pool.dialed(now, dial, Some(b"h2"))?;
//!
//! let done = loop {
//!     if link.poll_timeout().is_some_and(|(at, _)| at <= now) {
//!         link.handle_timeout(now);
//!     }
//!     let n = server.send(link.read_buf());      // read the socket
//!     if n > 0 {
//!         link.handle_read(now, n);
//!     }
//!     if link.wants_exchange(true) {             // take work: under the lock, if there is one
//!         let _wake = link.exchange(now, unix, true, &mut pool);
//!         link.handle_taken(now);                // without it
//!     }
//!     if let Some(done) = link.poll_done() {
//!         break done;
//!     }
//!     let n = server.receive(link.transmit());   // write the socket
//!     link.handle_written(now, n);
//! };
//!
//! assert_eq!((done.tag, done.attempts), (7, 1));
//! assert!(matches!(done.outcome, Outcome::Answered(response) if response.status == 200));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A real driver parks when nothing moved, until the socket, a wake-up or `poll_timeout`; drains
//! [`Pool::poll_action`] after every call that borrows the pool; and gives a link that
//! [is closed](Link::is_closed) to [`Pool::link_closed`].
//!
//! # What holds, whatever happens
//! - Each tag comes out exactly once. [`Delivery`] says whether the server can have processed a request
//!   that got no answer: `NotSent` and `Refused` are proofs that it has not.
//! - No input makes it panic, hang or grow: every bound is in [`limits`].
//! - `poll_timeout` is O(1), covers work that is queued, and is later than `now` once all output is taken.
//! - The same octets, however split, give the same events; the same seed and inputs the same trace.

#[cfg(any(feature = "client", feature = "rustls"))]
mod base64;
#[cfg(feature = "client")]
pub mod client;
pub mod connection;
mod deadlines;
pub mod delivery;
pub mod frame;
pub mod hpack;
pub mod job;
pub mod limits;
pub mod link;
pub mod machine;
#[cfg(not(feature = "mutants"))]
mod mutants;
#[cfg(feature = "mutants")]
pub mod mutants;
pub mod pool;
pub mod request;
pub mod time;
#[cfg(feature = "rustls")]
pub mod tls;

pub use connection::{Connection, ConnectionConfig, Credit, Event};
pub use delivery::{Cause, Delivery, Done, Outcome};
pub use job::{InvalidPolicy, Job, Policy, RejectReason, Rejected, Tag};
pub use link::Link;
pub use machine::{Machine, Turn, Wakeup, Wire};
pub use pool::{Action, Pool, PoolConfig};
pub use request::{Fields, Head, InvalidField, Method, Request, Response};
pub use time::Time;

/// The README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! RFC 9113 and RFC 7541 as a client must keep them: one test for each rule.
//!
//! `tests/CONFORMANCE.md` is the table of these tests. A test reads like a conversation: the
//! [`peer::Peer`] plays the server with frames made by hand.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps nothing fails as it should"
)]

mod boundaries;
mod budget;
mod clock;
mod contracts;
mod delivery;
mod field_blocks;
mod floods;
mod flow_control;
mod frames;
mod goaway;
mod histories;
mod liveness;
mod peer;
mod push;
mod response;
mod settings;
mod start;
mod streams;
mod table;

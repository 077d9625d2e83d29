//! The program, run as its users run it.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bench;
mod bulk;
#[path = "../support/certificate.rs"]
mod certificate;
mod certificates;
mod channels;
mod demo;
mod doctor;
mod environment;
mod files;
mod help;
mod interop;
mod interrupts;
mod mock;
mod readme;
mod resume;
mod secrets;
mod send;
mod support;
mod terminal;
mod usage;

//! The workspace's own tests: the simulated world, conformance, interoperation.
//!
//! A world is one seed: a real [`Pool`](aapns_proto::Pool) with its links, a fake APNs, callers, and
//! a swarm of faults, under a virtual clock. Its [`oracle`] knows what the fake really processed.

pub mod callers;
pub mod fake;
pub mod oracle;
pub mod pipe;
pub mod rng;
pub mod swarm;
pub mod trace;
pub mod world;

/// The example of a README whose dev-dependencies would be smol.
#[cfg(doctest)]
#[doc = include_str!("../../aapns-async-std/README.md")]
struct Readme;

//! The guide: one chapter for each thing that a sender of push notifications has to know.
//!
//! | chapter | answers |
//! |---|---|
//! | [`layers`] | Which handle: client, pool or connection? |
//! | [`delivery`] | Did it arrive? Can it arrive twice? |
//! | [`deadlines`] | How long does a send take at most, and what is tried again meanwhile? |
//! | [`credentials`] | Certificate or key? Several apps, teams and environments? A proxy? |
//! | [`notifications`] | How is each kind of push made, Live Activities and broadcasts included? |
//! | [`testing`] | How do I test my code without Apple? |
//! | [`observability`] | What is it doing, and why is it slow? |
//! | [`performance`] | How many connections, threads, requests at a time? |
//! | [`adapters`] | How do I bring it to another runtime, or use the core alone? |
//! | [`coming_from`] | What is that called here, which I know from another client? |
//!
//! Whole programs are in the folder `examples`: a web service, a fan-out to 100,000 devices, a Live Activity, a
//! broadcast channel, several tenants.
//!
//! Apple's own pages, by their titles, in the documentation of *User Notifications* on developer.apple.com:
//!
//! | about | page |
//! |---|---|
//! | requests and their fields | *Sending notification requests to APNs*, *Generating a remote notification* |
//! | answers and reasons | *Handling notification responses from APNs* |
//! | keys and certificates | *Establishing a token-based connection to APNs*, *Establishing a certificate-based connection to APNs* |
//! | broadcasts | *Setting up broadcast push notifications*, *Sending channel management requests to APNs*, *Sending broadcast push notification requests to APNs* |
//! | Live Activities | *Starting and updating Live Activities with ActivityKit push notifications* |
//! | what doesn't arrive | *Troubleshooting push notifications* |

#![allow(
    clippy::doc_markdown,
    reason = "the chapters are texts, and name things as they are spelled elsewhere"
)]

#[doc = include_str!("layers.md")]
pub mod layers {}

#[doc = include_str!("delivery.md")]
pub mod delivery {}

#[doc = include_str!("deadlines.md")]
pub mod deadlines {}

#[doc = include_str!("credentials.md")]
pub mod credentials {}

#[doc = include_str!("notifications.md")]
pub mod notifications {}

#[doc = include_str!("testing.md")]
pub mod testing {}

#[doc = include_str!("observability.md")]
pub mod observability {}

#[doc = include_str!("performance.md")]
pub mod performance {}

#[doc = include_str!("adapters.md")]
pub mod adapters {}

#[doc = include_str!("coming_from.md")]
pub mod coming_from {}

//! What a pool does, as stories: pool, links and servers over memory.

mod credentials;
mod delivery;
mod ends;
mod health;
mod links;
mod net;
#[path = "../wakeups/peer.rs"]
mod peer;
mod retries;

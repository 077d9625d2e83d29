//! What a pool does, as stories: pool, links and servers over memory.

mod ends;
mod health;
mod net;
#[path = "../wakeups/peer.rs"]
mod peer;
mod retries;

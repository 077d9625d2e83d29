//! What one server is like: the numbers of FACTS §13.1 and beyond.

use std::time::Duration;

use super::fate::Fate;
use super::server::Act;
use crate::rng::Rng;

/// Something that a connection does for certain.
#[derive(Clone, Copy, Debug)]
pub struct Scripted {
    /// Which connection; `None`: all.
    pub conn: Option<u32>,
    /// How long after its begin.
    pub after: Duration,
    /// What.
    pub act: Act,
}

/// How a server behaves when nothing goes wrong.
#[derive(Clone, Debug)]
pub struct Habits {
    /// The stream limit that it announces first.
    pub limit: u32,
    /// The limit after the first success, if another.
    pub raised_limit: Option<u32>,
    /// Whether the limit falls to 1 after an answer that says no, until the next success.
    pub is_strict: bool,
    /// SETTINGS_INITIAL_WINDOW_SIZE.
    pub initial_window: u32,
    /// SETTINGS_HEADER_TABLE_SIZE.
    pub table: u32,
    /// SETTINGS_MAX_HEADER_LIST_SIZE.
    pub field_list: u32,
    /// What it adds to the connection's window at the start.
    pub extra_window: u32,
    /// Whether requests need a provider token.
    pub wants_token: bool,
    /// Whose tokens it takes.
    pub team: u32,
    /// What becomes of every request, whatever the swarm says.
    pub fate: Option<Fate>,
    /// What each connection does, and how long after its begin.
    pub script: Vec<Scripted>,
    /// An answer takes from `delay.0` to `delay.1` microseconds.
    pub delay: (u64, u64),
    /// Field blocks in CONTINUATION frames and padding.
    pub is_elaborate: bool,
    /// Refuses streams over a lowered limit even before it is acknowledged.
    pub is_hasty: bool,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            limit: 1000,
            raised_limit: None,
            is_strict: false,
            initial_window: 65_535,
            table: 4_096,
            field_list: 8_000,
            extra_window: 0,
            wants_token: false,
            team: 0,
            fate: None,
            script: Vec::new(),
            delay: (1_000, 20_000),
            is_elaborate: false,
            is_hasty: false,
        }
    }
}

impl Habits {
    /// The habits of this world's servers.
    pub fn seeded(rng: &mut Rng, wants_token: bool) -> Self {
        let limit = rng.pick(&[1, 2, 4, 10, 100, 500, 1000, 1500]).unwrap_or(1);
        let slowest = rng
            .pick(&[2_000, 20_000, 80_000, 500_000])
            .unwrap_or(20_000);
        let is_token_limit = wants_token && rng.chance(600);
        Self {
            limit: if is_token_limit { 1 } else { limit },
            raised_limit: is_token_limit.then_some(limit.max(10)),
            is_strict: is_token_limit && rng.chance(300),
            initial_window: rng
                .pick(&[65_535, 65_535, 65_535, 1_000_000, 300])
                .unwrap_or(65_535),
            table: 4_096,
            field_list: 8_000,
            extra_window: rng.pick(&[0, 0, 1_000_000]).unwrap_or(0),
            wants_token,
            team: 0,
            fate: None,
            script: Vec::new(),
            delay: (slowest / 10, slowest),
            is_elaborate: rng.chance(200),
            is_hasty: rng.chance(500),
        }
    }
}

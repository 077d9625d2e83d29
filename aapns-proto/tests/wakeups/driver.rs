//! A driver of the small world: one link, and the server that it talks to.

use aapns_proto::{Link, Time};

use crate::peer::Peer;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum State {
    Awake,
    /// Found nothing to do; `saw_flag` is what a broken driver read too early.
    Parking {
        saw_flag: bool,
    },
    Asleep,
}

#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) link: Link<u32>,
    pub(crate) peer: Peer,
    pub(crate) state: State,
    /// Set by a wake, cleared by the driver.
    pub(crate) flag: bool,
    pub(crate) is_down: bool,
    pub(crate) is_stalled: bool,
}

impl Driver {
    /// Of a link that is up, with work to do.
    pub(crate) fn new(link: Link<u32>, limit: u32) -> Self {
        Self {
            link,
            peer: Peer::new(limit),
            state: State::Awake,
            flag: false,
            is_down: false,
            is_stalled: false,
        }
    }

    pub(crate) fn read(&mut self, now: Time) {
        let octets = std::mem::take(&mut self.peer.output);
        if octets.is_empty() {
            return;
        }
        self.link.read_buf()[..octets.len()].copy_from_slice(&octets);
        self.link.handle_read(now, octets.len());
    }

    pub(crate) fn write(&mut self, now: Time) {
        if self.is_stalled {
            return;
        }
        let octets = self.link.transmit().to_vec();
        self.peer.read(&octets);
        self.link.handle_written(now, octets.len());
    }

    pub(crate) fn in_flight(&self) -> u64 {
        self.link.connection().in_flight() as u64
    }
}

//! The heads of late, least recently used first out.

use crate::limits;
use crate::request::Head;

/// A head and its coded piece.
pub(super) struct Slot {
    pub(super) head: Head,
    /// The coded fields, right as long as `epoch` is the table's.
    pub(super) piece: Vec<u8>,
    /// Their size as SETTINGS_MAX_HEADER_LIST_SIZE counts it, likewise.
    pub(super) list_size: usize,
    pub(super) epoch: u64,
    /// The fields may still be inserted into the table: once, or heads would push each other out for ever.
    pub(super) may_insert: bool,
    used: u64,
}

/// At most [`limits::CACHED_HEADS`] slots.
pub(super) struct Heads {
    slots: Vec<Slot>,
    /// The place of the slot found last.
    latest: usize,
    clock: u64,
}

impl Heads {
    pub(super) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            latest: 0,
            clock: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The head's slot; a new one, without a piece, if it has none.
    #[inline]
    pub(super) fn find(&mut self, head: &Head) -> &mut Slot {
        let is_latest = |slot: &Slot| slot.head.is_same(head);
        if !self.slots.get(self.latest).is_some_and(is_latest) {
            self.latest = self.place(head);
            self.clock += 1;
        }
        let slot = &mut self.slots[self.latest];
        slot.used = self.clock;
        slot
    }

    /// The head's slot, if this very head has one.
    pub(super) fn peek(&self, head: &Head) -> Option<&Slot> {
        let latest = self.slots.get(self.latest);
        latest
            .filter(|slot| slot.head.is_same(head))
            .or_else(|| self.slots.iter().find(|slot| slot.head.is_same(head)))
    }

    /// The table lost its entries, or a constant is new: every head may insert again.
    pub(super) fn allow_insertion(&mut self) {
        for slot in &mut self.slots {
            slot.may_insert = true;
        }
    }

    /// The place of the head's slot, by identity, else by content, else of the one used longest ago.
    #[cold]
    fn place(&mut self, head: &Head) -> usize {
        if let Some(place) = self.slots.iter().position(|slot| slot.head.is_same(head)) {
            return place;
        }
        if let Some(place) = self.slots.iter().position(|slot| slot.head == *head) {
            // Found by identity from now on.
            self.slots[place].head = head.clone();
            return place;
        }
        let slot = Slot {
            head: head.clone(),
            piece: Vec::new(),
            list_size: 0,
            epoch: 0,
            may_insert: true,
            used: self.clock,
        };
        if self.slots.len() < limits::CACHED_HEADS {
            self.slots.push(slot);
            return self.slots.len() - 1;
        }
        let oldest = self
            .slots
            .iter()
            .enumerate()
            .min_by_key(|(_, slot)| slot.used);
        let place = oldest.map_or(0, |(place, _)| place);
        self.slots[place] = slot;
        place
    }
}

//! How many tries to each endpoint run in this process, and the way of claimed
//! deliveries to the deliverer. Whoever claims holds a slot first, so that an
//! endpoint never has more tries at once than it may, whoever claims for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::mpsc;

use super::Delivery;

/// The slots of all endpoints.
#[derive(Debug)]
pub struct Slots {
    most: usize,
    held: Mutex<HashMap<String, usize>>,
    deliverer: Mutex<Option<mpsc::UnboundedSender<Claimed>>>,
}

/// Room for one try to an endpoint; free again when it is dropped.
#[derive(Debug)]
pub struct Slot {
    slots: Arc<Slots>,
    endpoint: String,
}

/// A delivery that is ours to try.
#[derive(Debug)]
pub struct Claimed {
    /// What to deliver.
    pub delivery: Delivery,
    /// Its room.
    pub(super) slot: Slot,
}

impl Slots {
    /// So many tries at once to one endpoint.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, held: Mutex::default(), deliverer: Mutex::default() })
    }

    /// From now on claimed deliveries come here; until then, and after the
    /// receiver is gone, nothing is claimed ahead.
    #[must_use]
    pub fn open(&self) -> mpsc::UnboundedReceiver<Claimed> {
        let (sender, receiver) = mpsc::unbounded_channel();
        *self.deliverer.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        receiver
    }

    /// Nothing is claimed ahead any more.
    pub fn close(&self) {
        self.deliverer.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Does a deliverer run in this process?
    pub(super) fn is_open(&self) -> bool {
        self.deliverer.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Hands claimed deliveries to the deliverer. Without one they come back
    /// when their lease is over.
    pub(crate) fn start(&self, claimed: Vec<Claimed>) {
        let deliverer = self.deliverer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(deliverer) = deliverer else { return };
        for one in claimed {
            // It stops just now: the lease brings them back.
            drop(deliverer.send(one));
        }
    }

    /// As many of the wanted slots as are free.
    pub(super) fn take(self: &Arc<Self>, endpoint: &str, wanted: usize) -> Vec<Slot> {
        let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let held = all.get(endpoint).copied().unwrap_or(0);
        let taken = self.most.saturating_sub(held).min(wanted);
        if taken > 0 {
            all.insert(endpoint.to_owned(), held + taken);
        }
        drop(all);
        let slot = || Slot { slots: self.clone(), endpoint: endpoint.to_owned() };
        std::iter::repeat_with(slot).take(taken).collect()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut all = self.slots.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = all.get_mut(&self.endpoint) {
            *held -= 1;
            if *held == 0 {
                all.remove(&self.endpoint);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_has_no_more_slots_than_it_may_and_others_have_their_own() {
        let slots = Slots::new(3);
        let first = slots.take("a", 2);
        let second = slots.take("a", 5);
        assert_eq!((first.len(), second.len(), slots.take("b", 9).len()), (2, 1, 3));
        assert!(slots.take("a", 1).is_empty());
        drop(first);
        assert_eq!(slots.take("a", 9).len(), 2);
        drop(second);
        assert!(slots.held.lock().unwrap().is_empty());
    }
}

//! Which worker a call lives on. A call is placed where the fewest peers are,
//! when its first peer comes, and stays there until it is empty.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::join::JoinError;

/// What all handles of a node and its workers share.
#[derive(Clone)]
pub(super) struct Placements {
    table: Arc<Mutex<HashMap<String, Place>>>,
    /// Peers on each worker, as it last told.
    peers: Arc<[AtomicUsize]>,
    most_per_owner: usize,
}

struct Place {
    worker: usize,
    owner: String,
    /// Joins on their way to the worker.
    coming: usize,
    /// The worker has this call.
    lives: bool,
}

/// A join on its way: while it is held, its call stays where it is placed.
pub(super) struct Coming {
    placements: Placements,
    call: String,
    pub worker: usize,
}

impl Placements {
    /// `most_per_owner`: calls at once; 0 is no limit.
    pub fn new(workers: usize, most_per_owner: usize) -> Self {
        let peers = (0..workers).map(|_| AtomicUsize::new(0)).collect();
        Self { table: Arc::default(), peers, most_per_owner }
    }

    /// Finds the call's worker or chooses one.
    ///
    /// # Errors
    /// [`JoinError::TooManyCalls`] when the owner may not begin another.
    pub fn place(&self, call: &str, owner: &str) -> Result<Coming, JoinError> {
        let mut table = self.lock();
        let worker = match table.get_mut(call) {
            Some(place) => {
                place.coming += 1;
                place.worker
            }
            None => {
                let of_owner = table.values().filter(|place| place.owner == owner).count();
                if self.most_per_owner > 0 && of_owner >= self.most_per_owner {
                    return Err(JoinError::TooManyCalls);
                }
                let worker = self.emptiest(&table);
                let place = Place { worker, owner: owner.to_owned(), coming: 1, lives: false };
                table.insert(call.to_owned(), place);
                worker
            }
        };
        Ok(Coming { placements: self.clone(), call: call.to_owned(), worker })
    }

    /// Where the call lives, or is about to.
    pub fn find(&self, call: &str) -> Option<usize> {
        self.lock().get(call).map(|place| place.worker)
    }

    /// The worker's call is over.
    pub fn ended(&self, call: &str) {
        let mut table = self.lock();
        if let Some(place) = table.get_mut(call) {
            place.lives = false;
            if place.coming == 0 {
                table.remove(call);
            }
        }
    }

    /// What a worker tells of itself.
    pub fn set_peers(&self, worker: usize, peers: usize) {
        self.peers[worker].store(peers, Ordering::Relaxed);
    }

    fn emptiest(&self, table: &HashMap<String, Place>) -> usize {
        let load = |worker: &usize| {
            let here = table.values().filter(|place| place.worker == *worker);
            // A call without peers yet is about to have some.
            let calls = here.map(|place| 1 + place.coming).sum::<usize>();
            self.peers[*worker].load(Ordering::Relaxed) + calls
        };
        (0..self.peers.len()).min_by_key(load).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Place>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Coming {
    /// The worker has the call now.
    pub fn lives(&self) {
        if let Some(place) = self.placements.lock().get_mut(&self.call) {
            place.lives = true;
        }
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        let mut table = self.placements.lock();
        if let Some(place) = table.get_mut(&self.call) {
            place.coming -= 1;
            if place.coming == 0 && !place.lives {
                table.remove(&self.call);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_go_where_the_fewest_are_and_stay_there() {
        let placements = Placements::new(2, 0);
        let first = placements.place("a", "").unwrap();
        let second = placements.place("b", "").unwrap();
        assert_ne!(first.worker, second.worker);
        assert_eq!(placements.place("a", "").unwrap().worker, first.worker);
        placements.set_peers(0, 10);
        assert_eq!(placements.place("c", "").unwrap().worker, 1);
        assert_eq!(placements.find("a"), Some(first.worker));
        assert_eq!(placements.find("c"), None, "nobody came");
    }

    #[test]
    fn a_place_is_given_up_only_when_nobody_is_on_the_way() {
        let placements = Placements::new(3, 0);
        let coming = placements.place("a", "").unwrap();
        coming.lives();
        drop(coming);
        assert!(placements.find("a").is_some());
        let again = placements.place("a", "").unwrap();
        placements.ended("a");
        assert_eq!(placements.find("a"), Some(again.worker));
        drop(again);
        assert_eq!(placements.find("a"), None);
    }

    #[test]
    fn an_owner_has_so_many_calls_and_no_more() {
        let placements = Placements::new(1, 2);
        let kept = ["a", "b"].map(|call| placements.place(call, "clinic").unwrap());
        assert_eq!(placements.place("c", "clinic").err(), Some(JoinError::TooManyCalls));
        assert!(placements.place("a", "clinic").is_ok(), "a call that is there may be joined");
        assert!(placements.place("c", "other clinic").is_ok());
        drop(kept);
        assert!(placements.place("c", "clinic").is_ok());
    }
}

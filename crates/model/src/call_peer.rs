//! Who is in a call, out of what is told of it: by another server late, twice,
//! out of order, or not at all; by our own node until it is started again. Each
//! connection counts once, and somebody has come or gone only with their first
//! or last connection.

use crate::{At, UserId};

/// What is told and what is seen may be this far apart: a list of peers says
/// nothing about connections that are younger than this, milliseconds.
const GRACE_MS: i64 = 5_000;

/// One connection of a person to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stay {
    /// The call's own name of the connection.
    pub sid: String,
    /// Who.
    pub user: UserId,
    /// When it was first heard of.
    pub joined_at: At,
    /// When it was told to be over; none while it lasts.
    pub left_at: Option<At>,
}

/// What was heard of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A connection is up.
    Joined {
        /// Its name.
        sid: String,
        /// Whose.
        user: UserId,
    },
    /// A connection is over.
    Left {
        /// Its name.
        sid: String,
        /// Whose.
        user: UserId,
    },
    /// Our own node, which tells once and in order: somebody is in the call.
    Entered {
        /// What stands for all their connections, one after the other.
        sid: String,
        /// Who.
        user: UserId,
    },
    /// Our own node: they are not in the call any more.
    Exited {
        /// As above.
        sid: String,
    },
    /// The list of all connections.
    Seen {
        /// Their names, and whose they are.
        peers: Vec<(String, UserId)>,
        /// When it was asked for.
        since: At,
    },
}

/// What has become of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// They have come.
    Came(UserId),
    /// They have gone.
    Went(UserId),
}

/// Takes in what was heard at a time. Gives what has changed for people, in
/// order; the stays that differ afterwards are those to be written.
pub fn hear(stays: &mut Vec<Stay>, heard: &Heard, at: At) -> Vec<Change> {
    let mut changes = Vec::new();
    match heard {
        Heard::Joined { sid, user } => {
            // One that is known has joined already, and may have left since.
            if !stays.iter().any(|stay| stay.sid == *sid) {
                open(stays, sid, *user, at, &mut changes);
            }
        }
        Heard::Left { sid, user } => {
            if !stays.iter().any(|stay| stay.sid == *sid) {
                open(stays, sid, *user, at, &mut changes);
            }
            close(stays, sid, at, &mut changes);
        }
        Heard::Entered { sid, user } => {
            // Still open: they were here when the node was stopped.
            if !stays.iter().any(|stay| stay.sid == *sid && stay.left_at.is_none()) {
                open(stays, sid, *user, at, &mut changes);
            }
        }
        Heard::Exited { sid } => close(stays, sid, at, &mut changes),
        Heard::Seen { peers, since } => {
            let settled = |then: At| then.0 + GRACE_MS <= since.0;
            for (sid, user) in peers {
                match stays.iter().find(|stay| stay.sid == *sid) {
                    None => open(stays, sid, *user, at, &mut changes),
                    Some(stay) if stay.left_at.is_some_and(settled) => {
                        open(stays, sid, *user, at, &mut changes);
                    }
                    Some(_) => {}
                }
            }
            let is_missing = |stay: &&Stay| {
                let is_listed = peers.iter().any(|(sid, _)| *sid == stay.sid);
                stay.left_at.is_none() && settled(stay.joined_at) && !is_listed
            };
            let missing: Vec<String> = stays.iter().filter(is_missing).map(|stay| stay.sid.clone()).collect();
            for sid in missing {
                close(stays, &sid, at, &mut changes);
            }
        }
    }
    changes
}

fn is_here(stays: &[Stay], user: UserId) -> bool {
    stays.iter().any(|stay| stay.user == user && stay.left_at.is_none())
}

fn open(stays: &mut Vec<Stay>, sid: &str, user: UserId, at: At, changes: &mut Vec<Change>) {
    if !is_here(stays, user) {
        changes.push(Change::Came(user));
    }
    match stays.iter_mut().find(|stay| stay.sid == sid) {
        Some(stay) => (stay.joined_at, stay.left_at) = (at, None),
        None => stays.push(Stay { sid: sid.to_owned(), user, joined_at: at, left_at: None }),
    }
}

fn close(stays: &mut [Stay], sid: &str, at: At, changes: &mut Vec<Change>) {
    let open = stays.iter_mut().find(|stay| stay.sid == sid && stay.left_at.is_none());
    let Some(stay) = open else { return };
    stay.left_at = Some(at);
    let user = stay.user;
    if !is_here(stays, user) {
        changes.push(Change::Went(user));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn joined(sid: &str, user: i64) -> Heard {
        Heard::Joined { sid: sid.to_owned(), user: UserId(user) }
    }

    fn left(sid: &str, user: i64) -> Heard {
        Heard::Left { sid: sid.to_owned(), user: UserId(user) }
    }

    fn seen(peers: &[(&str, i64)], since: i64) -> Heard {
        let peers = peers.iter().map(|(sid, user)| ((*sid).to_owned(), UserId(*user))).collect();
        Heard::Seen { peers, since: At(since) }
    }

    fn all(heard: &[(i64, Heard)]) -> Vec<Change> {
        let mut stays = Vec::new();
        heard.iter().flat_map(|(at, heard)| hear(&mut stays, heard, At(*at))).collect()
    }

    const CAME: Change = Change::Came(UserId(7));
    const WENT: Change = Change::Went(UserId(7));

    #[test]
    fn what_is_told_twice_counts_once() {
        let told = [joined("a", 7), joined("a", 7), left("a", 7), left("a", 7), joined("a", 7)];
        assert_eq!(all(&told.map(|heard| (0, heard))), [CAME, WENT]);
    }

    #[test]
    fn the_wrong_order_is_put_right() {
        assert_eq!(all(&[(0, left("a", 7)), (1, joined("a", 7))]), [CAME, WENT]);
    }

    #[test]
    fn who_comes_back_on_another_line_was_never_gone() {
        let told = [(0, joined("a", 7)), (1, joined("b", 7)), (2, left("a", 7)), (3, left("b", 7))];
        assert_eq!(all(&told), [CAME, WENT]);
    }

    #[test]
    fn a_list_makes_good_what_was_never_told() {
        assert_eq!(all(&[(0, seen(&[("a", 7)], 0)), (20_000, seen(&[], 20_000))]), [CAME, WENT]);
    }

    #[test]
    fn a_list_that_is_older_than_what_was_told_changes_nothing() {
        // Asked for just before they joined, and just before they left.
        assert_eq!(all(&[(1_000, joined("a", 7)), (1_001, seen(&[], 900))]), [CAME]);
        let told = [(0, joined("a", 7)), (9_000, left("a", 7)), (9_001, seen(&[("a", 7)], 8_900))];
        assert_eq!(all(&told), [CAME, WENT]);
        // But one that is told to be over and is still there long after is there.
        let told = [(0, joined("a", 7)), (1_000, left("a", 7)), (20_000, seen(&[("a", 7)], 20_000))];
        assert_eq!(all(&told), [CAME, WENT, CAME]);
    }

    #[test]
    fn a_node_that_is_started_again_leaves_no_trace_of_those_who_return() {
        let entered = || Heard::Entered { sid: "user-7".to_owned(), user: UserId(7) };
        let exited = || Heard::Exited { sid: "user-7".to_owned() };
        // Stopped at 1 000, back at 5 000, looked at 30 s later.
        let told = [(0, entered()), (5_000, entered()), (35_000, seen(&[("user-7", 7)], 35_000))];
        assert_eq!(all(&told), [CAME]);
        // Who does not return has gone, and may come again.
        let told = [(0, entered()), (35_000, seen(&[], 35_000)), (40_000, entered()), (50_000, exited())];
        assert_eq!(all(&told), [CAME, WENT, CAME, WENT]);
    }

    fn any_heard() -> impl Strategy<Value = Heard> {
        // A connection belongs to one person.
        let peer = (0_i64..6).prop_map(|sid| (format!("s{sid}"), UserId(sid % 3)));
        prop_oneof![
            peer.clone().prop_map(|(sid, user)| Heard::Joined { sid, user }),
            peer.clone().prop_map(|(sid, user)| Heard::Left { sid, user }),
            peer.clone().prop_map(|(sid, user)| Heard::Entered { sid, user }),
            peer.clone().prop_map(|(sid, _)| Heard::Exited { sid }),
            (prop::collection::vec(peer, 0..4), 0_i64..30_000)
                .prop_map(|(peers, since)| Heard::Seen { peers, since: At(since) }),
        ]
    }

    proptest! {
        /// Whatever is heard: everybody comes and goes in turn, and who has come
        /// and not gone is who has a connection that lasts.
        #[test]
        fn everybody_comes_and_goes_in_turn(heard in prop::collection::vec((0_i64..1_000, any_heard()), 0..60)) {
            let (mut stays, mut now, mut here) = (Vec::new(), 0, BTreeMap::new());
            for (pause, heard) in heard {
                now += pause;
                for change in hear(&mut stays, &heard, At(now)) {
                    let (user, comes) = match change {
                        Change::Came(user) => (user, true),
                        Change::Went(user) => (user, false),
                    };
                    prop_assert_ne!(here.insert(user, comes).unwrap_or(false), comes);
                }
                let names: BTreeSet<_> = stays.iter().map(|stay| &stay.sid).collect();
                prop_assert_eq!(names.len(), stays.len());
            }
            for user in (0..3).map(UserId) {
                prop_assert_eq!(here.get(&user).copied().unwrap_or(false), is_here(&stays, user));
            }
        }

        /// Hearing the same once more changes nothing.
        #[test]
        fn hearing_it_again_changes_nothing(before in prop::collection::vec(any_heard(), 0..30), heard in any_heard()) {
            let mut stays = Vec::new();
            for earlier in &before {
                hear(&mut stays, earlier, At(0));
            }
            hear(&mut stays, &heard, At(40_000));
            let once = stays.clone();
            prop_assert_eq!(hear(&mut stays, &heard, At(40_000)), vec![]);
            prop_assert_eq!(stays, once);
        }
    }
}

//! Peers that go, come back, or are replaced by themselves.

use std::time::Duration;

use bedside_media::{CallEventKind, Grants, JoinError, LeftReason};
use livekit_protocol as lk;
use lk::participant_info::State;
use lk::signal_request::Message as Request;
use str0m::media::MediaKind;

use crate::net::FAIR;
use crate::world::{CALL, World};

fn pair(seed: u64) -> (World, usize, usize) {
    let mut world = World::new(seed, FAIR);
    let (ann, ben) = (world.join("ann"), world.join("ben"));
    world.publish(ann, false);
    world.publish(ben, false);
    world.run_until_all_receive(&[ann, ben], 1);
    (world, ann, ben)
}

#[test]
fn a_goodbye_is_told_at_once_and_leaves_nothing_behind() {
    let (mut world, ann, ben) = pair(41);
    world.send(ann, Request::Leave(lk::LeaveRequest::default()));
    assert!(world.clients[ann].closed);
    assert!(world.clients[ben].others.is_empty());
    assert_eq!(world.left("ann"), [LeftReason::Left]);
    world.send(ben, Request::Leave(lk::LeaveRequest::default()));
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.shard.population(), (0, 0));
    assert_eq!(world.shard.known_routes(), 0);
    assert_eq!(world.shard.next_deadline(), None, "an idle node sleeps");
    assert_eq!(world.events.last().unwrap().kind, CallEventKind::CallEmpty);
}

#[test]
fn who_dies_is_kept_for_a_while_then_removed() {
    let (mut world, ann, ben) = pair(42);
    world.kill(ann);
    world.run_for(Duration::from_secs(10));
    assert!(world.clients[ben].others.contains_key("ann"), "it could still resume");
    world.run_until("ben is told", Duration::from_secs(10), |w| w.clients[ben].others.is_empty());
    assert_eq!(world.left("ann"), [LeftReason::Vanished]);
    assert_eq!(world.shard.peers(CALL).len(), 1);
}

#[test]
fn a_dead_network_with_an_open_signal_connection_is_noticed() {
    let (mut world, ann, ben) = pair(43);
    let dead = [world.clients[ann].publisher_at, world.clients[ann].subscriber_at];
    world.net.dead.extend(dead);
    world.run_until("ann is told to come again", Duration::from_secs(90), |w| w.clients[ann].closed);
    let leave = world.clients[ann].left.clone().unwrap();
    assert_eq!(leave.action, lk::leave_request::Action::Reconnect as i32);
    assert!(world.clients[ben].others.is_empty());
}

#[test]
fn a_second_join_replaces_the_ghost() {
    let (mut world, ann, ben) = pair(44);
    world.kill(ann);
    let again = world.join("ann");
    world.publish(again, false);
    world.run_for(Duration::from_secs(3));
    assert_eq!(world.shard.peers(CALL).len(), 2);
    assert_eq!(world.left("ann"), [LeftReason::Replaced]);
    let sids: Vec<&str> = world.clients[ben]
        .updates
        .iter()
        .filter(|(identity, _, _)| identity == "ann")
        .map(|(_, sid, _)| sid.as_str())
        .collect();
    let last_of_old = sids.iter().rposition(|sid| *sid == world.clients[ann].sid).unwrap();
    let first_of_new = sids.iter().position(|sid| *sid == world.clients[again].sid).unwrap();
    assert!(last_of_old < first_of_new, "the old one is gone before the new one comes");
    assert_eq!(world.clients[ben].others["ann"].sid, world.clients[again].sid);
    world.run_until("ann is seen and heard again", Duration::from_secs(5), |w| {
        w.clients[ben].received.values().filter(|r| r.packets > 10).count() == 4
    });
}

#[test]
fn the_replaced_one_is_told_why() {
    let (mut world, ann, _) = pair(45);
    world.join("ann");
    let leave = world.clients[ann].left.clone().unwrap();
    assert_eq!(leave.reason, lk::DisconnectReason::DuplicateIdentity as i32);
    assert_eq!(leave.action, lk::leave_request::Action::Disconnect as i32);
    assert!(world.clients[ann].closed);
}

#[test]
fn a_resume_goes_on_where_it_was() {
    let (mut world, ann, ben) = pair(46);
    world.cut_signal(ann);
    world.run_for(Duration::from_secs(5));
    let updates = world.clients[ben].updates.len();
    world.resume(ann);
    assert!(world.clients[ann].reconnected);
    let restart = world.clients[ann].restart_publisher().unwrap();
    world.send(ann, restart);
    world.run_for(Duration::from_secs(2));
    let (before_ann, before_ben) =
        (world.clients[ann].heard(MediaKind::Video), world.clients[ben].heard(MediaKind::Video));
    world.run_for(Duration::from_secs(20));
    assert!(world.clients[ann].heard(MediaKind::Video) > before_ann + 1000);
    assert!(world.clients[ben].heard(MediaKind::Video) > before_ben + 1000);
    assert_eq!(world.clients[ann].video().missing(), 0);
    let news = &world.clients[ben].updates[updates..];
    assert!(news.iter().all(|(_, _, state)| *state != State::Disconnected as i32), "{news:?}");
    assert!(world.left("ann").is_empty());
}

#[test]
fn a_resume_of_nothing_is_sent_to_join_anew() {
    let (mut world, ann, _) = pair(47);
    world.kill(ann);
    world.run_for(Duration::from_secs(20));
    world.resume(ann);
    let leave = world.clients[ann].left.clone().unwrap();
    assert_eq!(leave.action, lk::leave_request::Action::Reconnect as i32);
    assert!(world.clients[ann].closed);
}

#[test]
fn tracks_that_come_while_a_signal_connection_is_away_are_offered_after_it() {
    let mut world = World::new(48, FAIR);
    let (ann, ben) = (world.join("ann"), world.join("ben"));
    world.publish(ben, false);
    world.run_for(Duration::from_secs(2));
    world.cut_signal(ann);
    world.run_for(Duration::from_secs(1));
    let eve = world.join("eve");
    world.publish(eve, false);
    world.run_for(Duration::from_secs(2));
    world.resume(ann);
    world.run_until_all_receive(&[ann], 2);
    let _ = ben;
}

#[test]
fn an_ended_call_is_over_for_everybody() {
    let (mut world, ann, ben) = pair(49);
    let now = world.now;
    world.shard.end_call(now, CALL);
    world.pump();
    for client in [ann, ben] {
        let leave = world.clients[client].left.clone().unwrap();
        assert_eq!(leave.reason, lk::DisconnectReason::RoomDeleted as i32);
        assert_eq!(leave.action, lk::leave_request::Action::Disconnect as i32);
        assert!(world.clients[client].closed);
    }
    assert_eq!(world.shard.population(), (0, 0));
}

#[test]
fn a_removed_peer_goes_and_the_other_stays() {
    let (mut world, ann, ben) = pair(50);
    let now = world.now;
    assert!(world.shard.remove_peer(now, CALL, "ann"));
    assert!(!world.shard.remove_peer(now, CALL, "ann"));
    world.pump();
    assert!(world.clients[ann].closed && !world.clients[ben].closed);
    assert!(world.clients[ben].others.is_empty());
}

#[test]
fn a_node_that_shuts_down_sends_everybody_elsewhere() {
    let (mut world, ann, ben) = pair(51);
    let now = world.now;
    world.shard.drain(now);
    world.pump();
    for client in [ann, ben] {
        let leave = world.clients[client].left.clone().unwrap();
        assert_eq!(leave.action, lk::leave_request::Action::Reconnect as i32);
    }
    assert_eq!(world.join_with("eve", Grants::default()), Err(JoinError::ShuttingDown));
}

#[test]
fn a_full_call_lets_nobody_in_but_those_who_return() {
    let mut world = World::new(52, FAIR);
    for name in ["a", "b", "c", "d", "e"] {
        world.join(name);
    }
    assert_eq!(world.join_with("f", Grants::default()), Err(JoinError::CallFull));
    assert!(world.join_with("a", Grants::default()).is_ok());
}

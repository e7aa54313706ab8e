//! The live stream: who hears what, in order, without gaps, after a break too.

use bedside_tests::kit::{Kit, Stream};

#[tokio::test]
async fn both_sides_hear_of_the_visit_and_strangers_only_of_the_queue() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let (maria, tom) = (kit.patient("maria").await, kit.patient("tom").await);
    let provider = kit.provider("d-1", &[&room]).await;
    tom.walk_in(&room).await;
    let mut desk = Stream::open(&provider.client).await;
    let mut hers = Stream::open(&maria.client).await;
    let mut his = Stream::open(&tom.client).await;

    let visit = maria.walk_in(&room).await;
    let created = desk.next_of("visit.created").await;
    assert_eq!(created.data["visit_id"], visit.id);
    assert_eq!(created.data["data"]["status"], 10);
    assert_eq!(hers.next_of("visit.created").await.data["visit_id"], visit.id);
    let moved = his.next_of("queue.updated").await;
    assert_eq!(moved.id, created.id);
    assert!(moved.data.get("visit_id").is_none() && moved.data.get("user_id").is_none(), "{:?}", moved.data);

    provider.act(&visit, "accept").await.ok();
    let taken = hers.next_of("visit.updated").await;
    assert_eq!(
        (&taken.data["data"]["status"], &taken.data["data"]["provider_id"]),
        (&serde_json::json!(25), &serde_json::json!(provider.id),)
    );
    provider.act(&visit, "complete").await.ok();
    assert_eq!(hers.next_of("visit.ended").await.data["data"]["status"], 30);
}

#[tokio::test]
async fn a_broken_stream_goes_on_where_it_stopped() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let mut stream = Stream::open(&provider.client).await;
    let first = kit.patient("p-1").await.walk_in(&room).await;
    let seen = stream.next_of("visit.created").await;
    assert_eq!(seen.data["visit_id"], first.id);
    drop(stream);
    let missed = kit.patient("p-2").await.walk_in(&room).await;
    let mut again = Stream::after(&provider.client, Some(seen.id)).await;
    let caught_up = again.next_of("visit.created").await;
    assert_eq!(caught_up.data["visit_id"], missed.id);
    let third = kit.patient("p-3").await.walk_in(&room).await;
    assert_eq!(again.next_of("visit.created").await.data["visit_id"], third.id);
}

#[tokio::test]
async fn numbers_have_no_gaps_under_concurrent_writers() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let mut patients = Vec::new();
    for n in 0..16 {
        patients.push(kit.patient(&format!("p-{n}")).await);
    }
    let mut stream = Stream::open(&kit.admin()).await;
    futures_util::future::join_all(patients.iter().map(|patient| patient.walk_in(&room))).await;
    let mut last = None;
    let mut visits = 0;
    while visits < patients.len() {
        let frame = stream.next().await;
        visits += usize::from(frame.event == "visit.created");
        if let Some(last) = last {
            assert_eq!(frame.id, last + 1);
        }
        last = Some(frame.id);
    }
}

#[tokio::test]
async fn another_clinic_hears_nothing_and_a_stop_ends_the_stream() {
    let mut kit = Kit::start().await;
    let room = kit.room("main").await;
    let other = kit.another_clinic("southside").await;
    let mut theirs = Stream::open(&kit.admin_of(&other)).await;
    kit.patient("p-1").await.walk_in(&room).await;
    let body = serde_json::json!({ "slug": "theirs", "name": "Theirs" });
    kit.admin_of(&other).post("/rooms", body).await.ok();
    // Their own room is the first thing they hear of.
    assert_eq!(theirs.next().await.event, "room.created");
    kit.anonymous().get("/events/stream").await.refused(401, "token_missing");
    kit.stop().await;
    assert!(theirs.ends().await);
}

#[tokio::test]
async fn a_stream_ends_with_the_login_it_was_opened_with() {
    let kit = Kit::start().await;
    let patient = kit.patient("p-1").await;
    let mut stream = Stream::open(&patient.client).await;
    patient.client.post("/users/logout", serde_json::json!({})).await.ok();
    assert!(stream.ends().await);
}

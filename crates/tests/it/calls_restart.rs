//! A server that is started again in mid-call: the call's people come back by
//! themselves, and the visit's events say only what really changed.

use std::time::Duration;

use bedside_app::calls;
use bedside_tests::kit::{Kit, Peer, Person, Stream, peer::python};
use serde_json::Value;

/// The next event about who is in the call: its type, whom it is about, its number.
async fn next(desk: &mut Stream) -> (String, String, i64) {
    loop {
        let frame = desk.next().await;
        if frame.event.starts_with("call.peer_") {
            let who = frame.data["data"]["peer_id"].as_str().unwrap_or_default().to_owned();
            return (frame.event, who, frame.id);
        }
    }
}

#[tokio::test]
async fn who_comes_back_was_never_gone_and_who_does_not_is_missed() {
    let Some(python) = python() else {
        eprintln!("skipped: no Python environment; `cargo xtask test` makes one");
        return;
    };
    let mut kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = patient.walk_in(&room).await;
    provider.act(&visit, "accept").await.ok();
    let mut desk = Stream::open(&provider.client).await;
    let join = async |pass: Value| {
        let mut peer = Peer::join(&python, pass["url"].as_str().unwrap(), pass["token"].as_str().unwrap());
        peer.next_of("joined").await;
        peer
    };
    let mut stays = join(patient.act(&visit, "call").await.data()).await;
    let vanishes = join(provider.act(&visit, "call").await.data()).await;
    let mut last = 0;
    for person in [&patient, &provider] {
        let (event, who, number) = next(&mut desk).await;
        assert_eq!((&*event, &who), ("call.peer_joined", &person.id));
        last = number;
    }

    // The provider's machine dies with the server; only the server comes back.
    let address = kit.base.trim_start_matches("http://").to_owned();
    kit.stop().await;
    drop(vanishes);
    kit.restart(&[("server.listen", &address)]).await;
    stays.next_of("reconnected").await;
    let provider = Person { client: kit.bearer(&provider.token), ..provider };
    let mut desk = Stream::after(&provider.client, Some(last)).await;
    // The server looks by itself half a minute after its start; that time is
    // not the test's to wait.
    let mut again = tokio::time::interval(Duration::from_millis(500));
    let (event, who, _) = tokio::select! {
        told = next(&mut desk) => told,
        () = async { loop { again.tick().await; calls::miss(&kit.app).await.unwrap() } } => unreachable!(),
    };
    assert_eq!((&*event, &who), ("call.peer_left", &provider.id), "nothing is told of who came back");
    assert_eq!(provider.client.get(&format!("/visits/{}", visit.id)).await.data()["status"], "25");
    stays.leave().await;
    let (event, who, _) = next(&mut desk).await;
    assert_eq!((&*event, &who), ("call.peer_left", &patient.id));
}

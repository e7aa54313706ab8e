//! A server that is told to stop: streams end, work is finished, the store is
//! closed.

use std::time::Duration;

use bedside_tests::kit::{Kit, Stream, binary::Process};

#[tokio::test]
async fn open_streams_do_not_hold_up_the_end() {
    let mut kit = Kit::start().await;
    let provider = kit.provider("d1", &[]).await;
    let mut stream = Stream::open(&provider.client).await;
    tokio::time::timeout(Duration::from_secs(10), kit.stop()).await.expect("it stops in time");
    assert!(stream.ends().await);
}

#[tokio::test]
async fn what_was_done_is_there_after_a_restart() {
    let mut kit = Kit::start().await;
    let room = kit.room("walk-in").await;
    let patient = kit.patient("p1").await;
    let visit = patient.walk_in(&room).await;
    kit.restart(&[]).await;
    kit.bearer(&patient.token).get(&format!("/visits/{}", visit.id)).await.ok();
}

#[tokio::test]
async fn a_signal_ends_the_process_in_order() {
    for signal in ["-TERM", "-INT"] {
        let home = tempfile::tempdir().unwrap();
        let settings = [("server.listen", "127.0.0.1:0"), ("media.udp_port", "0")];
        let mut server = Process::spawn(&["serve"], &settings, home.path());
        let origin = server.listening().await;
        assert_eq!(reqwest::get(format!("{origin}/healthz")).await.unwrap().status(), 200);
        server.signal(signal);
        let ended = tokio::time::timeout(Duration::from_secs(10), server.ended()).await.expect("within 10 s");
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    }
}

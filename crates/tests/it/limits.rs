//! Rate limits: who runs into them, and who does not.

use bedside_tests::kit::{Client, Kit};

/// How many of `count` calls were answered with a 429.
async fn limited(client: &Client, path: &str, count: usize) -> usize {
    let mut limited = 0;
    for _ in 0..count {
        let answer = client.get(path).await;
        if answer.status == 429 {
            assert!(answer.headers.contains_key("retry-after"));
            answer.refused(429, "too_many_requests");
            limited += 1;
        }
    }
    limited
}

#[tokio::test]
async fn each_person_has_a_bucket_of_their_own() {
    let kit = Kit::with(&[("limits.user_per_s", "2"), ("limits.burst_s", "1")]).await;
    let (busy, quiet) = (kit.patient("p1").await, kit.patient("p2").await);
    assert!(limited(&busy.client, "/users/-", 20).await > 0);
    assert_eq!(limited(&quiet.client, "/users/-", 2).await, 0);
    assert_eq!(limited(&kit.admin(), "/users/-", 20).await, 0);
}

#[tokio::test]
async fn strangers_share_their_address() {
    let kit = Kit::with(&[("limits.anonymous_per_s", "2"), ("limits.burst_s", "1")]).await;
    assert!(limited(&kit.anonymous().header("X-AccountCode", &kit.clinic.code), "/rooms", 20).await > 0);
    // The clinic's own server behind the same address goes on.
    assert_eq!(limited(&kit.portal(), "/rooms", 20).await, 0);
}

#[tokio::test]
async fn guessing_tokens_ends_soon_and_hurts_nobody_else() {
    let kit = Kit::with(&[("limits.failed_per_min", "5")]).await;
    assert!(limited(&kit.bearer("0123456789abcdef0123456789abcdef"), "/users/-", 20).await >= 14);
    let patient = kit.patient("p1").await;
    assert_eq!(limited(&patient.client, "/users/-", 5).await, 0);
}

#[tokio::test]
async fn an_api_key_does_two_hundred_a_second() {
    let kit = Kit::start().await;
    assert_eq!(limited(&kit.portal(), "/rooms", 200).await, 0);
}

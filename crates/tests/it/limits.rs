//! Rate limits: who runs into them, and who does not.

use bedside_tests::kit::{Answer, Client, Kit};

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

/// `r` and `t` of `RateLimit`, and the bucket's name.
fn state(answer: &Answer) -> (String, u32, u32) {
    let text = answer.headers["ratelimit"].to_str().unwrap();
    let mut parts = text.split(';');
    let name = parts.next().unwrap().trim_matches('"').to_owned();
    let number = |part: Option<&str>, key: &str| part.unwrap().strip_prefix(key).unwrap().parse().unwrap();
    (name, number(parts.next(), "r="), number(parts.next(), "t="))
}

#[tokio::test]
async fn every_answer_tells_how_its_bucket_stands() {
    let kit = Kit::with(&[("limits.user_per_s", "5"), ("limits.burst_s", "600")]).await;
    kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let nobody = kit.anonymous().header("X-AccountCode", &kit.clinic.code);
    for (client, path, status, bucket, policy) in [
        (&patient.client, "/users/-", 200, "user", "\"user\";q=3000;w=600"),
        (&patient.client, "/visits/999999", 404, "user", "\"user\";q=3000;w=600"),
        (&kit.portal(), "/rooms", 200, "api-key", "\"api-key\";q=120000;w=600"),
        (&kit.admin(), "/rooms", 200, "admin-token", "\"admin-token\";q=120000;w=600"),
        (&nobody, "/rooms", 200, "anonymous", "\"anonymous\";q=12000;w=600"),
        (&kit.bearer("00000000000000000000000000000000"), "/rooms", 401, "refused", "\"refused\";q=30;w=60"),
    ] {
        let first = client.get(path).await;
        assert_eq!(first.status.as_u16(), status, "{path}");
        assert_eq!(first.headers["ratelimit-policy"], policy);
        let (name, left, _) = state(&first);
        assert_eq!(name, bucket);
        let (_, then, _) = state(&client.get(path).await);
        // One fewer, or as many when the bucket was filled up meanwhile.
        assert!(then == left.saturating_sub(1) || then == left, "{bucket}: {left} and then {then}");
    }
    // Unchanged content is counted and told too.
    let known = patient.client.get("/users/-").await;
    let again = patient.client.header("If-None-Match", known.headers["etag"].to_str().unwrap());
    let again = again.get("/users/-").await;
    assert_eq!((again.status.as_u16(), state(&again).0.as_str()), (304, "user"));
}

#[tokio::test]
async fn an_empty_bucket_says_when_to_come_back() {
    let kit = Kit::with(&[("limits.user_per_s", "1"), ("limits.burst_s", "1")]).await;
    let patient = kit.patient("p-1").await;
    let refused = loop {
        let answer = patient.client.get("/users/-").await;
        if answer.status == 429 {
            break answer;
        }
    };
    let wait: u32 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert_eq!(state(&refused), ("user".to_owned(), 0, wait));
    assert!((1..=2).contains(&wait));
    assert_eq!(refused.headers["ratelimit-policy"], "\"user\";q=1;w=1");
}

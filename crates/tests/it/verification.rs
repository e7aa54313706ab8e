//! Changed e-mail addresses: their owner is asked, and says so with one click.

use bedside_tests::kit::{Kit, Letter, Person};
use reqwest::StatusCode;
use serde_json::{Value, json};

const SUBJECT: &str = "Please confirm your e-mail address";
const PASSWORD: &str = "correct horse battery staple";
const HOUR: i64 = 3_600;

/// A provider who logs in with a password.
async fn with_password(kit: &Kit) -> Person {
    let provider = kit.provider("osei", &[]).await;
    provider.client.post("/users/-", json!({ "username": "osei", "password": PASSWORD })).await.ok();
    provider
}

async fn address(person: &Person, email: &str) {
    person.client.post("/users/-", json!({ "email": email })).await.ok();
}

async fn is_verified(kit: &Kit, person: &Person) -> Value {
    kit.admin().get(&format!("/users/{}", person.id)).await.data()["email_verified"].clone()
}

fn link(kit: &Kit, letter: &Letter) -> String {
    let begin = format!("{}/verify?who=", kit.base);
    let at = letter.body.find(&begin).expect("a link to the page");
    letter.body[at..].split_whitespace().next().unwrap().to_owned()
}

async fn open(link: &str) -> (StatusCode, String) {
    let page = reqwest::get(link).await.unwrap();
    (page.status(), page.text().await.unwrap())
}

async fn press(link: &str) -> StatusCode {
    reqwest::Client::new().post(link).send().await.unwrap().status()
}

#[tokio::test]
async fn a_changed_address_is_confirmed_by_the_letter_that_came_there() {
    let kit = Kit::start().await;
    let provider = with_password(&kit).await;
    address(&provider, "amara@example.org").await;
    assert_eq!(is_verified(&kit, &provider).await, false);
    let letters = kit.letters_about(SUBJECT).await;
    assert_eq!(letters.len(), 1);
    assert!(letters[0].header("To").contains("amara@example.org"));
    let first = link(&kit, &letters[0]);
    // A scanner that opens it confirms nothing.
    let (status, page) = open(&first).await;
    assert!(status == StatusCode::OK && page.contains("Yes, it is mine"), "{page}");
    assert_eq!(is_verified(&kit, &provider).await, false);
    assert_eq!(press(&first).await, StatusCode::OK);
    assert_eq!(is_verified(&kit, &provider).await, true);
    // The second click says the same and changes nothing.
    assert!(open(&first).await.1.contains("Your address is confirmed"));
    assert_eq!(press(&first).await, StatusCode::OK);
    let trail = kit.admin().get("/audit?action=users.verify_email").await.ok().json();
    assert_eq!(trail["total_count"], 1);
    // The same address again asks nothing.
    address(&provider, "amara@example.org").await;
    assert_eq!(kit.letters_about(SUBJECT).await.len(), 1);
}

#[tokio::test]
async fn a_link_counts_for_its_address_and_three_days_and_cannot_be_made_up() {
    let (kit, clock) = Kit::on_a_clock().await;
    let provider = with_password(&kit).await;
    address(&provider, "old@example.org").await;
    let old = link(&kit, &kit.letters_about(SUBJECT).await[0]);
    address(&provider, "new@example.org").await;
    let letters = kit.letters_about(SUBJECT).await;
    let new = letters.iter().map(|letter| link(&kit, letter)).find(|link| *link != old).unwrap();
    let (head, signature) = new.rsplit_once('.').unwrap();
    let (user, until) = head.rsplit_once('.').unwrap();
    let later = format!("{user}.{}.{signature}", until.parse::<i64>().unwrap() + 1);
    for bad in [old.clone(), later, format!("{head}.{}", "0".repeat(64)), format!("{}/verify", kit.base)] {
        assert_eq!(press(&bad).await, StatusCode::NOT_FOUND, "{bad}");
    }
    clock.advance_seconds(3 * 86_400 + 1);
    let (status, page) = open(&new).await;
    assert!(status == StatusCode::NOT_FOUND && page.contains("Save your address again"), "{page}");
    assert_eq!(is_verified(&kit, &provider).await, false);
}

#[tokio::test]
async fn a_lost_letter_comes_again_a_few_times_and_the_portals_people_get_none() {
    let (kit, clock) = Kit::on_a_clock().await;
    let provider = with_password(&kit).await;
    for _ in 0..5 {
        address(&provider, "amara@example.org").await;
    }
    assert_eq!(kit.letters_about(SUBJECT).await.len(), 3);
    clock.advance_seconds(HOUR + 1);
    // An admin who saves a form does not ask in somebody's place.
    kit.admin().post(&format!("/users/{}", provider.id), json!({ "email": "amara@example.org" })).await.ok();
    assert_eq!(kit.letters_about(SUBJECT).await.len(), 3);
    address(&provider, "amara@example.org").await;
    assert_eq!(kit.letters_about(SUBJECT).await.len(), 4);
    let patient = kit.patient("maria").await;
    address(&patient, "maria@example.org").await;
    assert_eq!(kit.letters_about(SUBJECT).await.len(), 4);
}

//! People are told: who, of what, on which way, in which language, and once.

use bedside_tests::kit::{Kit, Letter, Person};
use serde_json::{Value, json};

use crate::scheduling::{Clinic, HOUR, MONDAY_NINE, book, clinic, id};

/// Gives somebody an address and a time zone.
pub async fn reachable(kit: &Kit, person: &Person, email: &str, zone: &str) {
    let body = json!({ "email": email, "timezone": zone });
    kit.admin().post(&format!("/users/{}", person.id), body).await.ok();
}

/// The clinic of `scheduling`, with a patient who reads mails in Berlin.
pub async fn with_mail() -> Clinic {
    let clinic = clinic().await;
    reachable(&clinic.kit, &clinic.patient, "maria@example.org", "Europe/Berlin").await;
    clinic
}

fn titles(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap().to_owned()).collect()
}

/// No name, reason or link stands where locked screens show it.
fn assert_discreet(letter: &Letter) {
    let subject = letter.header("Subject");
    for private in ["Maria", "maria", "d-1", "rash", "http"] {
        assert!(!subject.contains(private), "{subject}");
    }
}

#[tokio::test]
async fn an_appointment_is_told_when_it_is_booked_moved_and_cancelled() {
    let clinic = with_mail().await;
    let visit = book(&clinic.patient, MONDAY_NINE, json!({})).await.data();
    let booked = clinic.kit.letters_about("Your visit is booked").await;
    assert_eq!(booked.len(), 1);
    let letter = &booked[0];
    assert!(letter.header("To").contains("<maria@example.org>"));
    assert_discreet(letter);
    // Nine in New York is three in the afternoon in Berlin.
    let when = "Monday, February 1, 2027, at 3:00 PM (Europe/Berlin time)";
    assert!(letter.body.contains(when), "{}", letter.body);
    assert!(letter.body.contains("Hello Maria,") && letter.body.contains("Northside Clinic"));
    assert!(letter.headers.contains("multipart/mixed"));
    assert!(letter.body.contains("text/calendar; charset=utf-8; method=REQUEST"));
    assert!(letter.body.contains("text/plain") && letter.body.contains("text/html"));
    assert!(!letter.body.contains("A rash"), "nothing about health is mailed");

    let path = format!("/visits/{}", id(&visit));
    let moved = json!({ "start": MONDAY_NINE + HOUR });
    clinic.clock.advance_seconds(60);
    clinic.patient.client.post(&path, moved).await.ok();
    let changed = clinic.kit.letters_about("Your visit has changed").await;
    assert_eq!(changed.len(), 1);
    assert!(changed[0].body.contains("at 4:00 PM (Europe/Berlin time)"));
    clinic.clock.advance_seconds(60);
    clinic.patient.client.post(&format!("{path}/cancel"), json!({})).await.ok();
    let cancelled = clinic.kit.letters_about("Your visit was cancelled").await;
    assert_eq!(cancelled.len(), 1);
    assert!(cancelled[0].body.contains("method=CANCEL"));
    assert_eq!(clinic.kit.letters().await.len(), 3, "one letter per fact");

    // The same stands in the list on the pages.
    let list = clinic.patient.client.get("/notifications").await.ok().json();
    assert_eq!(
        titles(&list["data"]),
        ["Your visit was cancelled", "Your visit has changed", "Your visit is booked"]
    );
    assert_eq!(list["total_count"], 3);
    let newest = &list["data"][0];
    assert_eq!((&newest["type"], &newest["read"]), (&json!("cancelled"), &json!(false)));
    assert_eq!(newest["target"], visit["id"]);
    assert_eq!(newest["unix_millis"], clinic.clock.now().0);
    assert_eq!(newest["date"], "2027-01-15T08:02:00Z");
}

#[tokio::test]
async fn the_badge_counts_what_is_new_and_unread() {
    let clinic = with_mail().await;
    let client = &clinic.patient.client;
    let badge = async || client.get("/notifications/badge").await.data()["badge"].as_i64().unwrap();
    assert_eq!(badge().await, 0);
    book(&clinic.patient, MONDAY_NINE, json!({})).await.ok();
    book(&clinic.patient, MONDAY_NINE + HOUR, json!({})).await.ok();
    clinic.kit.told().await;
    assert_eq!(badge().await, 2);
    let list = client.get("/notifications?limit=1").await.data();
    let path = format!("/notifications/{}/read", list[0]["id"].as_str().unwrap());
    let other = clinic.kit.patient("tom").await;
    other.client.post(&path, json!({})).await.refused(404, "notification_not_found");
    client.post(&path, json!({})).await.ok();
    client.post(&path, json!({})).await.ok();
    assert_eq!(badge().await, 1);
    assert_eq!(client.get("/notifications?limit=1").await.data()[0]["read"], true);
    client.post("/notifications/badge/reset", json!({})).await.ok();
    assert_eq!(badge().await, 0, "looked at, though not read");
    assert_eq!(client.get("/notifications?start=1").await.data()[0]["read"], false);
    clinic.clock.advance_seconds(60);
    book(&clinic.patient, MONDAY_NINE + 2 * HOUR, json!({})).await.ok();
    clinic.kit.told().await;
    assert_eq!(badge().await, 1);
}

#[tokio::test]
async fn who_wants_no_mail_gets_none_and_the_list_still_tells() {
    let clinic = with_mail().await;
    let maria = clinic.patient.id.clone();
    clinic.admin.post(&format!("/users/{maria}"), json!({ "disable_emails": 1 })).await.ok();
    let body = json!({ "first_name": "Maria", "last_name": "maria", "code": "maria", "type": 200,
        "email": "maria@example.org", "disable_emails": 1 });
    clinic.kit.portal().post("/users/sso", body).await.ok();
    let visit = book(&clinic.patient, MONDAY_NINE, json!({})).await.data();
    clinic.kit.told().await;
    assert!(clinic.kit.letters().await.is_empty());
    assert_eq!(titles(&clinic.patient.client.get("/notifications").await.data()), ["Your visit is booked"]);
    // The link that somebody asks for is no notice.
    let path = format!("/visits/{}/link/resend", id(&visit));
    let anonymous = clinic.kit.anonymous().header("X-AccountCode", "northside");
    anonymous.post(&path, json!({})).await.ok();
    assert_eq!(clinic.kit.letters_about("The link to your visit").await.len(), 1);
}

#[tokio::test]
async fn people_are_told_in_their_language() {
    let clinic = with_mail().await;
    clinic.admin.post("/notifications/settings", json!({ "language": "es-MX" })).await.ok();
    let visit = book(&clinic.patient, MONDAY_NINE, json!({})).await.data();
    clinic.kit.told().await;
    clinic.clock.advance_seconds(60);
    let path = format!("/visits/{}", id(&visit));
    clinic.patient.client.post(&path, json!({ "start": MONDAY_NINE + HOUR })).await.ok();
    let letters = clinic.kit.letters_about("Su visita ha cambiado").await;
    assert_eq!(letters.len(), 1);
    let when = "lunes 1 de febrero de 2027, a las 16:00 (hora de Europe/Berlin)";
    assert!(letters[0].body.contains(when), "{}", letters[0].body);
    assert_eq!(
        clinic.patient.client.get("/notifications?limit=1").await.data()[0]["title"],
        "Su visita ha cambiado"
    );
    // One person's own choice goes before the clinic's.
    let client = &clinic.patient.client;
    assert_eq!(
        client.post("/notifications/language", json!({ "language": "en" })).await.data()["language"],
        "en"
    );
    client.post(&path, json!({ "start": MONDAY_NINE })).await.ok();
    assert_eq!(clinic.kit.letters_about("Your visit has changed").await.len(), 1);
    client.post("/notifications/language", json!({ "language": "tlh" })).await.refused(400, "invalid_field");
}

#[tokio::test]
async fn a_waiting_patient_is_told_to_the_room_and_then_along_the_alert_list() {
    let (kit, clock) = Kit::on_a_clock().await;
    kit.room("main").await;
    let first = kit.provider("d-1", &["main"]).await;
    let second = kit.provider("d-2", &["main"]).await;
    let third = kit.provider("d-3", &[]).await;
    for (person, name) in [(&first, "one"), (&second, "two"), (&third, "three")] {
        reachable(&kit, person, &format!("{name}@example.org"), "").await;
    }
    let alerts = json!({ "after_minutes": 5, "user_ids": [second.id, third.id] });
    let kept = kit.admin().post("/rooms/main/alerts", alerts.clone()).await.data();
    assert_eq!(kept, alerts);
    assert_eq!(kit.admin().get("/rooms/main/alerts").await.data(), alerts);
    let maria = kit.patient("maria").await;
    kit.admin()
        .post("/rooms/main/alerts", json!({ "after_minutes": 5, "user_ids": [maria.id] }))
        .await
        .refused(400, "invalid_field");
    let visit = maria.walk_in("main").await;
    kit.told().await;
    for person in [&first, &second] {
        assert_eq!(titles(&person.client.get("/notifications").await.data()), ["A patient is waiting"]);
    }
    assert!(third.client.get("/notifications").await.data().as_array().unwrap().is_empty());
    assert!(kit.letters().await.is_empty(), "who sits in front of the room needs no mail");
    // Nobody comes: the next person of the list, one after the other.
    clock.advance_seconds(5 * 60);
    let alerted = kit.letters_about("A patient is still waiting").await;
    assert_eq!(alerted.len(), 1);
    assert!(alerted[0].header("To").contains("two@example.org"));
    assert!(!alerted[0].body.contains("maria"), "no patient's name by mail");
    // Taken in time: the third is left in peace.
    first.act(&visit, "accept").await.ok();
    clock.advance_seconds(30 * 60);
    assert_eq!(kit.letters_about("A patient is still waiting").await.len(), 1);
    // The patient learned it on the page.
    assert_eq!(
        titles(&kit.patient("maria").await.client.get("/notifications").await.data()),
        ["Your provider is ready"]
    );
}

#[tokio::test]
async fn short_messages_go_to_numbers_that_people_gave() {
    let clinic = with_mail().await;
    let client = &clinic.patient.client;
    client.post("/endpoints", json!({ "key": "+49 151 2345678", "type": 20 })).await.ok();
    let visit = book(&clinic.patient, MONDAY_NINE, json!({})).await.data();
    assert!(clinic.kit.short_messages().await.is_empty(), "a booking is no reason to ring");
    client.post(&format!("/visits/{}/cancel", id(&visit)), json!({})).await.ok();
    let sent = clinic.kit.short_messages().await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].0, "+491512345678");
    let text = &sent[0].1;
    assert!(text.starts_with("Northside Clinic: Your visit on Monday, February 1"), "{text}");
    for private in ["Maria", "d-1", "rash"] {
        assert!(!text.contains(private), "{text}");
    }
    let log = clinic.admin.get(&format!("/notifications/sent?visit_id={}", id(&visit))).await.data();
    let of = |channel: &str| {
        log.as_array()
            .unwrap()
            .iter()
            .filter(|row| row["channel"] == channel && row["state"] == "sent")
            .count()
    };
    assert_eq!((of("mail"), of("sms")), (2, 1));
}

#[tokio::test]
async fn an_invitation_goes_to_whoever_has_the_address() {
    let clinic = with_mail().await;
    let visit = clinic.patient.walk_in("main").await;
    let path = format!("/visits/{}/invite", visit.id);
    let client = &clinic.patient.client;
    client.post(&path, json!({ "email": "anna@example.org" })).await.ok();
    client.post(&path, json!({ "phone": "+1 (555) 010-0100" })).await.ok();
    let letters = clinic.kit.letters_about("You are invited to a video visit").await;
    assert_eq!(letters.len(), 1);
    assert!(letters[0].header("To").contains("anna@example.org"));
    assert!(letters[0].body.contains("/visits/join/") && letters[0].body.contains("Hello,"));
    assert!(!letters[0].body.contains("Maria"), "who is ill is for the patient to say");
    let texts = clinic.kit.short_messages().await;
    assert!(texts[0].0 == "+15550100100" && texts[0].1.contains("/visits/join/"), "{texts:?}");
    for body in [
        json!({}),
        json!({ "email": "anna" }),
        json!({ "phone": "12" }),
        json!({ "email": "a@example.org", "phone": "+15550100100" }),
    ] {
        client.post(&path, body).await.refused(400, "invalid_field");
    }
    let stranger = clinic.kit.patient("tom").await;
    stranger.client.post(&path, json!({ "email": "a@example.org" })).await.refused(404, "visit_not_found");
    for _ in 2..20 {
        client.post(&path, json!({ "email": "anna@example.org" })).await.ok();
    }
    client.post(&path, json!({ "email": "anna@example.org" })).await.refused(429, "too_many_requests");
    client.post(&format!("/visits/{}/cancel", visit.id), json!({})).await.ok();
    client.post(&path, json!({ "email": "anna@example.org" })).await.refused(400, "visit_closed");
}

#[tokio::test]
async fn the_link_again_answers_everybody_alike_and_a_few_times() {
    let clinic = with_mail().await;
    clinic.admin.post("/accounts/-", json!({ "one_time_links": 1 })).await.ok();
    let visit = book(&clinic.patient, MONDAY_NINE, json!({})).await.data();
    let anonymous = clinic.kit.anonymous().header("X-AccountCode", "northside");
    let ask =
        async |id: &str| anonymous.post(&format!("/visits/{id}/link/resend"), json!({})).await.ok().text;
    let said = ask(id(&visit)).await;
    assert_eq!(ask("999999").await, said);
    let letters = clinic.kit.letters_about("The link to your visit").await;
    assert_eq!(letters.len(), 1);
    let link = visit["one_time_link_token"].as_str().unwrap();
    assert!(letters[0].body.contains(&format!("/members/appointment/{}?token={link}", id(&visit))));
    for _ in 0..5 {
        assert_eq!(ask(id(&visit)).await, said);
    }
    assert_eq!(clinic.kit.letters_about("The link to your visit").await.len(), 3, "three an hour");
    // Another clinic's name opens nothing here.
    let other = clinic.kit.another_clinic("southside").await;
    clinic.clock.advance_seconds(2 * HOUR);
    let there = clinic.kit.anonymous().header("X-AccountCode", &other.code);
    there.post(&format!("/visits/{}/link/resend", id(&visit)), json!({})).await.ok();
    clinic.patient.client.post(&format!("/visits/{}/cancel", id(&visit)), json!({})).await.ok();
    assert_eq!(ask(id(&visit)).await, said);
    assert_eq!(clinic.kit.letters_about("The link to your visit").await.len(), 3);
}

#[tokio::test]
async fn a_way_that_is_tried_says_what_came_of_it() {
    let kit = Kit::with(&[("sms.kind", "off")]).await;
    let admin = kit.admin();
    let works = async |channel: &str| {
        let channels = admin.get("/notifications/channels").await.data();
        let found =
            channels.as_array().unwrap().iter().find(|one| one["channel"] == channel).unwrap().clone();
        (found["way"].as_str().unwrap().to_owned(), found["works"].as_bool().unwrap())
    };
    assert_eq!(works("mail").await, ("folder".to_owned(), false), "nobody has tried it");
    let tried =
        admin.post("/notifications/test", json!({ "channel": "mail", "to": "a@example.org" })).await.data();
    assert_eq!((&tried["works"], &tried["reason"]), (&json!(true), &json!("")));
    assert_eq!(works("mail").await, ("folder".to_owned(), true));
    assert_eq!(kit.letters_about("A test message").await.len(), 1);
    let tried =
        admin.post("/notifications/test", json!({ "channel": "sms", "to": "+15550100100" })).await.data();
    assert_eq!((&tried["works"], &tried["reason"]), (&json!(false), &json!("sms_off")));
    assert_eq!(works("sms").await, ("off".to_owned(), false));
    for body in [
        json!({ "channel": "app" }),
        json!({ "channel": "mail", "to": "nobody" }),
        json!({ "channel": "mail" }),
        json!({ "channel": "push" }),
    ] {
        admin.post("/notifications/test", body).await.refused(400, "invalid_field");
    }
    kit.patient("maria")
        .await
        .client
        .post("/notifications/test", json!({ "channel": "mail" }))
        .await
        .refused(403, "admin_only");
}

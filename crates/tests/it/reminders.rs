//! Reminders, on a clock that the test turns: moved and cancelled with their
//! appointment, never of the past, one after an outage.

use serde_json::json;

use crate::{
    notifications::with_mail,
    scheduling::{Clinic, DAY, HOUR, MONDAY_NINE, book, id},
};

const SUBJECT: &str = "Your visit is coming up";

async fn reminded(clinic: &Clinic) -> usize {
    clinic.kit.letters_about(SUBJECT).await.len()
}

/// Turns the clock to an instant.
fn turn(clinic: &Clinic, to: i64) {
    clinic.clock.advance_seconds(to - clinic.clock.now().seconds());
}

#[tokio::test]
async fn a_day_and_an_hour_before_and_no_more() {
    let clinic = with_mail().await;
    book(&clinic.patient, MONDAY_NINE, json!({})).await.ok();
    turn(&clinic, MONDAY_NINE - DAY - 1);
    assert_eq!(reminded(&clinic).await, 0);
    turn(&clinic, MONDAY_NINE - DAY);
    let letters = clinic.kit.letters_about(SUBJECT).await;
    assert_eq!(letters.len(), 1);
    assert!(letters[0].body.contains("Monday, February 1, 2027, at 3:00 PM (Europe/Berlin time)"));
    assert!(!letters[0].body.contains("text/calendar"), "it stands in the calendar already");
    turn(&clinic, MONDAY_NINE - HOUR - 1);
    assert_eq!(reminded(&clinic).await, 1);
    turn(&clinic, MONDAY_NINE - HOUR);
    assert_eq!(reminded(&clinic).await, 2);
    turn(&clinic, MONDAY_NINE + DAY);
    assert_eq!(reminded(&clinic).await, 2);
}

#[tokio::test]
async fn a_moved_appointment_takes_its_reminders_along() {
    let clinic = with_mail().await;
    let visit = book(&clinic.patient, MONDAY_NINE, json!({})).await.data();
    let moved = json!({ "start": MONDAY_NINE + DAY });
    clinic.patient.client.post(&format!("/visits/{}", id(&visit)), moved).await.ok();
    clinic.kit.told().await;
    turn(&clinic, MONDAY_NINE - 1);
    assert_eq!(reminded(&clinic).await, 0, "the old times say nothing");
    turn(&clinic, MONDAY_NINE);
    let letters = clinic.kit.letters_about(SUBJECT).await;
    assert_eq!(letters.len(), 1);
    assert!(letters[0].body.contains("Tuesday, February 2, 2027"));
    // Moved back and forth in one go: each time has its reminders once.
    let at = |start: i64| json!({ "start": start });
    let path = format!("/visits/{}", id(&visit));
    let maria = clinic.kit.patient("maria").await;
    maria.client.post(&path, at(MONDAY_NINE + 2 * DAY)).await.ok();
    clinic.kit.told().await;
    maria.client.post(&path, at(MONDAY_NINE + DAY)).await.ok();
    clinic.kit.told().await;
    turn(&clinic, MONDAY_NINE + DAY - HOUR);
    assert_eq!(reminded(&clinic).await, 2, "the hour before; the day before was said");
}

#[tokio::test]
async fn a_cancelled_or_begun_appointment_is_not_reminded_of() {
    let clinic = with_mail().await;
    let visit = book(&clinic.patient, MONDAY_NINE, json!({})).await.data();
    clinic.patient.client.post(&format!("/visits/{}/cancel", id(&visit)), json!({})).await.ok();
    clinic.kit.told().await;
    turn(&clinic, MONDAY_NINE + HOUR);
    assert_eq!(reminded(&clinic).await, 0);
}

#[tokio::test]
async fn an_appointment_of_the_same_day_gets_what_still_lies_ahead() {
    let clinic = with_mail().await;
    turn(&clinic, MONDAY_NINE - 2 * HOUR);
    let maria = clinic.kit.patient("maria").await;
    book(&maria, MONDAY_NINE, json!({})).await.ok();
    clinic.kit.told().await;
    assert_eq!(reminded(&clinic).await, 0, "a day before has passed");
    turn(&clinic, MONDAY_NINE - HOUR);
    assert_eq!(reminded(&clinic).await, 1);
}

#[tokio::test]
async fn after_an_outage_people_get_one_reminder_or_none() {
    let clinic = with_mail().await;
    book(&clinic.patient, MONDAY_NINE, json!({})).await.ok();
    book(&clinic.patient, MONDAY_NINE + DAY, json!({})).await.ok();
    clinic.kit.told().await;
    // Nobody looked for a long time: of the first both are due, of the second one.
    turn(&clinic, MONDAY_NINE - HOUR / 2);
    let letters = clinic.kit.letters_about(SUBJECT).await;
    let of = |day: &str| letters.iter().filter(|letter| letter.body.contains(day)).count();
    assert_eq!((of("Monday, February 1"), of("Tuesday, February 2")), (1, 0));
    turn(&clinic, MONDAY_NINE + 2 * DAY);
    assert_eq!(reminded(&clinic).await, 1, "of what is over nobody is reminded");
}

#[tokio::test]
async fn a_clinic_says_when_and_the_clocks_change_in_between() {
    let clinic = with_mail().await;
    let wanted = json!({ "reminders": [30, 2880] });
    let kept = clinic.admin.post("/notifications/settings", wanted).await.data();
    assert_eq!(kept, json!({ "language": "en", "reminders": [2880, 30] }));
    assert_eq!(clinic.admin.get("/notifications/settings").await.data(), kept);
    for bad in [json!([1]), json!([50_000]), json!([10, 20, 30, 40, 50, 60])] {
        clinic
            .admin
            .post("/notifications/settings", json!({ "reminders": bad }))
            .await
            .refused(400, "invalid_field");
    }
    // New York changes its clocks on 2027-03-14: nine on the Monday after is 13:00 UTC.
    turn(&clinic, MONDAY_NINE + 30 * DAY);
    let maria = clinic.kit.patient("maria").await;
    let summer = MONDAY_NINE + 42 * DAY - HOUR;
    book(&maria, summer, json!({})).await.ok();
    clinic.kit.told().await;
    turn(&clinic, summer - 2 * DAY);
    let letters = clinic.kit.letters_about(SUBJECT).await;
    assert_eq!(letters.len(), 1);
    // Berlin's clocks change two weeks later: 14:00 there.
    assert!(letters[0].body.contains("Monday, March 15, 2027, at 2:00 PM (Europe/Berlin time)"));
    turn(&clinic, summer - 30 * 60);
    assert_eq!(reminded(&clinic).await, 2);
    // None at all.
    clinic.admin.post("/notifications/settings", json!({ "reminders": [] })).await.ok();
    let next = summer + 7 * DAY;
    let maria = clinic.kit.patient("maria").await;
    book(&maria, next, json!({})).await.ok();
    clinic.kit.told().await;
    turn(&clinic, next);
    assert_eq!(reminded(&clinic).await, 2);
}

#[tokio::test]
async fn a_letter_says_where_letters_end_and_one_request_ends_them() {
    let clinic = with_mail().await;
    let kit = &clinic.kit;
    book(&clinic.patient, MONDAY_NINE, json!({})).await.ok();
    kit.told().await;
    turn(&clinic, MONDAY_NINE - DAY);
    let letter = kit.letters_about(SUBJECT).await[0].clone();
    let link = letter.header("List-Unsubscribe").trim_matches(['<', '>']).to_owned();
    assert_eq!(letter.header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert!(letter.body.contains(&link), "people read it, too: {}", letter.body);
    let path = link.strip_prefix(&kit.base).expect("a page of ours").to_owned();
    assert!(path.starts_with("/unsubscribe?who=") && !path.contains("maria"), "{path}");
    let web = reqwest::Client::new();
    let wants = async || {
        let path = format!("/users/{}", clinic.patient.id);
        kit.admin().get(&path).await.data()["disable_emails"] != json!(true)
    };
    // A scanner that opens every link ends nothing, a forged one opens nothing.
    let page = web.get(&link).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    assert!(page.contains("<form method=\"post\">") && page.contains("End these letters"), "{page}");
    let forged = {
        let last = if link.ends_with('0') { '1' } else { '0' };
        format!("{}{last}", &link[..link.len() - 1])
    };
    let (head, signature) = link.rsplit_once('.').unwrap();
    let (clinic_part, user) = head.rsplit_once('.').unwrap();
    let others = format!("{clinic_part}.{}.{signature}", user.parse::<i64>().unwrap() + 1);
    for bad in
        [forged, others, format!("{}/unsubscribe", kit.base), format!("{}/unsubscribe?who=x", kit.base)]
    {
        assert_eq!(web.post(&bad).send().await.unwrap().status(), 404, "{bad}");
    }
    assert!(wants().await);
    // What a mail program does (RFC 8058), without cookies or a second question.
    let once = web.post(&link).header("content-type", "application/x-www-form-urlencoded");
    let done = once.body("List-Unsubscribe=One-Click").send().await.unwrap();
    assert_eq!(done.status(), 200);
    assert!(done.text().await.unwrap().contains("You get no more letters"));
    assert!(!wants().await);
    let trail = kit.admin().get("/audit?action=notifications.unsubscribe").await.ok().json();
    assert_eq!(trail["total_count"], 1);
    web.post(&link).send().await.unwrap().error_for_status().unwrap();
    turn(&clinic, MONDAY_NINE - HOUR);
    assert_eq!(reminded(&clinic).await, 1, "the second reminder is not mailed");
    // The link to the visit is what they ask for themselves: it carries no way out.
    let visit = kit.admin().get("/visits?limit=1").await.data()[0]["id"].as_str().unwrap().to_owned();
    kit.admin().post(&format!("/visits/{visit}/link/resend"), json!({})).await.ok();
    let asked = kit.letters_about("The link to your visit").await;
    assert_eq!(asked.len(), 1);
    assert!(!asked[0].headers.contains("List-Unsubscribe"));
}

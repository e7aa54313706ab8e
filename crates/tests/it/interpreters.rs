//! Interpreters: one click asks one contact after another by mail, and whoever
//! says yes is in the call.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bedside_app::Clock;
use bedside_tests::kit::{Client, Kit, Person, Stream, Visit};
use reqwest::{StatusCode, redirect::Policy};
use serde_json::{Value, json};

const SUBJECT: &str = "An interpreter is needed now";

struct Scene {
    kit: Kit,
    clock: Clock,
    patient: Person,
    provider: Person,
    visit: Visit,
}

/// A visit whose patient asked for Spanish, taken by its provider; two people
/// interpret Spanish, one American Sign Language.
async fn scene() -> Scene {
    let (kit, clock) = Kit::on_a_clock().await;
    let room = kit.room("main").await;
    for (name, languages, order) in [
        ("Bea Ruiz", json!(["es-MX"]), 2),
        ("Ines Prado", json!(["es", "pt"]), 1),
        ("Sam Lee", json!(["ase"]), 0),
    ] {
        listed(&kit, name, languages, order).await;
    }
    let patient = kit.patient("maria").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = waiting(&patient, "ES").await;
    provider.act(&visit, "accept").await.ok();
    Scene { kit, clock, patient, provider, visit }
}

/// A walk-in who said at intake which language they need.
async fn waiting(patient: &Person, language: &str) -> Visit {
    let visit = patient.walk_in("main").await;
    let intake = format!("/intakes/{}", visit.intake_id);
    patient.client.post(&intake, json!({ "interpreter_language": language })).await.ok();
    visit
}

async fn listed(kit: &Kit, name: &str, languages: Value, order: i64) -> Value {
    let (first, _) = name.split_once(' ').unwrap();
    let email = format!("{}@example.org", first.to_lowercase());
    let body = json!({ "name": name, "email": email, "languages": languages, "order": order });
    kit.admin().post("/interpreters", body).await.data()
}

impl Scene {
    fn path(&self) -> String {
        format!("/visits/{}/interpreter", self.visit.id)
    }

    async fn ask(&self) -> Value {
        self.provider.client.post(&self.path(), json!({})).await.data()
    }

    async fn stands(&self) -> Value {
        self.provider.client.get(&self.path()).await.data()
    }

    /// Who was asked so far, with what they said.
    async fn asks(&self) -> Vec<(String, String)> {
        answers(&self.stands().await)
    }

    /// The link in the letter to somebody.
    async fn link(&self, to: &str) -> String {
        let letters = self.kit.letters_about(SUBJECT).await;
        let mut theirs = letters.iter().filter(|letter| letter.header("To").contains(to));
        let letter = theirs.next_back().expect("a letter");
        let begin = format!("{}/interpret?who=", self.kit.base);
        let at = letter.body.find(&begin).expect("a link");
        letter.body[at..].split_whitespace().next().unwrap().to_owned()
    }

    async fn letters_to(&self) -> Vec<String> {
        let letters = self.kit.letters_about(SUBJECT).await;
        let mut to: Vec<_> = letters.iter().map(|letter| letter.header("To").to_owned()).collect();
        to.sort();
        to
    }

    async fn participants(&self) -> Value {
        self.provider.client.get(&format!("/visits/{}/participants", self.visit.id)).await.data()
    }

    async fn trail(&self, action: &str) -> i64 {
        let trail = self.kit.admin().get(&format!("/audit?action={action}")).await.ok().json();
        trail["total_count"].as_i64().unwrap()
    }
}

fn answers(search: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let asks = search["asks"].as_array().unwrap();
    asks.iter().map(|ask| (text(&ask["name"]), text(&ask["answer"]))).collect()
}

fn said(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, answer)| ((*name).to_owned(), (*answer).to_owned())).collect()
}

async fn open(link: &str) -> (StatusCode, String) {
    let page = reqwest::get(link).await.unwrap();
    (page.status(), page.text().await.unwrap())
}

async fn press(link: &str, answer: &str) -> reqwest::Response {
    let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    client.post(link).body(format!("answer={answer}")).send().await.unwrap()
}

/// Says yes, and gives the browser's session on the guest page.
async fn accept(kit: &Kit, link: &str, code: &str) -> Client {
    let entered = press(link, "yes").await;
    assert_eq!(entered.status(), StatusCode::SEE_OTHER);
    assert_eq!(entered.headers()["location"], format!("/visits/join/{code}"));
    let cookie = entered.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("HttpOnly"), "{cookie}");
    kit.anonymous().page(cookie.split(';').next().unwrap(), "patient")
}

#[tokio::test]
async fn one_click_asks_the_first_and_a_yes_opens_the_call() {
    let scene = scene().await;
    let before = scene.stands().await;
    assert_eq!(before["status"], "none");
    assert_eq!((&before["language"], &before["language_name"]), (&json!("es"), &json!("Spanish")));
    let mut stream = Stream::open(&scene.provider.client).await;
    let search = scene.ask().await;
    assert_eq!(search["status"], "asking");
    assert_eq!(answers(&search), said(&[("Ines Prado", "asked")]));
    let asked = stream.next_of("visit.interpreter.asked").await;
    assert_eq!(asked.data["data"]["interpreter_id"], search["asks"][0]["interpreter_id"]);
    // The second click asks nobody else.
    assert_eq!(scene.ask().await, search);
    assert_eq!(scene.letters_to().await.len(), 1);
    let letters = scene.kit.letters_about(SUBJECT).await;
    let letter = &letters[0];
    assert!(letter.header("To").contains("ines@example.org"));
    assert!(letter.body.contains("Spanish") && letter.body.contains("answer=no"), "{}", letter.body);
    for private in ["maria", "Maria", "d-1", "rash"] {
        assert!(!letter.body.contains(private), "{}", letter.body);
    }
    // A scanner that opens both links answers nothing.
    let link = scene.link("ines").await;
    for link in [link.clone(), format!("{link}&answer=no")] {
        let (status, page) = open(&link).await;
        assert!(status == StatusCode::OK && page.contains("Accept and join"), "{page}");
        assert!(page.contains("Decline") && !page.contains("aria"), "{page}");
    }
    assert_eq!(scene.asks().await, said(&[("Ines Prado", "asked")]));
    let code = scene.visit.body["code"].as_str().unwrap();
    let interpreter = accept(&scene.kit, &link, code).await;
    stream.next_of("visit.interpreter.accepted").await;
    let search = scene.stands().await;
    assert_eq!(
        (&search["status"], answers(&search)),
        (&json!("accepted"), said(&[("Ines Prado", "accepted")]))
    );
    let everybody = scene.participants().await;
    let theirs = everybody.as_array().unwrap().iter().find(|one| one["role"] == "interpreter").unwrap();
    assert_eq!((&theirs["name"], &theirs["status"]), (&json!("Ines Prado"), &json!("admitted")));
    assert_eq!(theirs["guest_id"], search["guest_id"]);
    // They enter the call, labelled as what they are, and see nothing else of the visit.
    let call = interpreter.post(&format!("/visits/{}/call", scene.visit.id), json!({})).await.data();
    let claims = call["token"].as_str().unwrap().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["attributes"]["guest_role"], "interpreter");
    interpreter.get(&format!("/visits/{}", scene.visit.id)).await.refused(404, "visit_not_found");
    // The link leads back in, as the same guest.
    let (_, page) = open(&link).await;
    assert!(page.contains("Join the call"), "{page}");
    accept(&scene.kit, &link, code).await;
    assert_eq!(scene.participants().await.as_array().unwrap().len(), everybody.as_array().unwrap().len());
    for action in ["interpreters.ask", "interpreters.accept", "guests.join"] {
        assert_eq!(scene.trail(action).await, 1, "{action}");
    }
    // Nobody else is asked, however long it takes.
    scene.clock.advance_seconds(600);
    assert_eq!(scene.letters_to().await.len(), 1);
    assert_eq!(scene.ask().await["status"], "accepted");
}

#[tokio::test]
async fn the_next_one_is_asked_after_two_minutes_and_at_once_after_a_no() {
    let scene = scene().await;
    scene.ask().await;
    let first = scene.link("ines").await;
    scene.clock.advance_seconds(119);
    assert_eq!(scene.letters_to().await.len(), 1);
    scene.clock.advance_seconds(1);
    assert_eq!(scene.letters_to().await.len(), 2);
    assert_eq!(scene.asks().await, said(&[("Ines Prado", "no_answer"), ("Bea Ruiz", "asked")]));
    // Bea says no; there is nobody left.
    let mut stream = Stream::open(&scene.provider.client).await;
    let second = scene.link("bea").await;
    let declined = press(&second, "no").await;
    assert!(declined.text().await.unwrap().contains("You have declined"));
    stream.next_of("visit.interpreter.declined").await;
    stream.next_of("visit.interpreter.not_found").await;
    assert_eq!(scene.stands().await["status"], "not_found");
    assert!(press(&second, "yes").await.text().await.unwrap().contains("You have declined"));
    assert_eq!(scene.trail("interpreters.decline").await, 1);
    // The late yes of the first still helps.
    accept(&scene.kit, &first, scene.visit.body["code"].as_str().unwrap()).await;
    let search = scene.stands().await;
    assert_eq!(search["status"], "accepted");
    assert_eq!(answers(&search), said(&[("Ines Prado", "accepted"), ("Bea Ruiz", "declined")]));
    // Taken out by the provider, another search begins anew, and asks somebody else.
    let place = format!("/visits/{}/guests/{}/decline", scene.visit.id, search["guest_id"].as_str().unwrap());
    scene.provider.client.post(&place, json!({})).await.ok();
    assert_eq!(answers(&scene.ask().await), said(&[("Bea Ruiz", "asked")]));
    scene.clock.advance_seconds(120);
    scene.kit.told().await;
    assert_eq!(scene.asks().await, said(&[("Bea Ruiz", "no_answer")]));
    assert_eq!(scene.stands().await["status"], "not_found");
}

#[tokio::test]
async fn a_no_asks_the_next_one_at_once_and_the_late_one_hears_who_was_faster() {
    let scene = scene().await;
    scene.ask().await;
    let first = scene.link("ines").await;
    scene.clock.advance_seconds(120);
    let second = scene.link("bea").await;
    accept(&scene.kit, &second, scene.visit.body["code"].as_str().unwrap()).await;
    let (_, page) = open(&first).await;
    assert!(page.contains("Somebody else is coming"), "{page}");
    assert_eq!(press(&first, "yes").await.status(), StatusCode::OK);
    assert_eq!(scene.asks().await, said(&[("Ines Prado", "no_answer"), ("Bea Ruiz", "accepted")]));
    // Both at the same moment, on another visit: one comes.
    let scene = self::scene().await;
    scene.ask().await;
    let first = scene.link("ines").await;
    scene.clock.advance_seconds(120);
    let second = scene.link("bea").await;
    let (one, other) = tokio::join!(press(&first, "yes"), press(&second, "yes"));
    let entered = [one, other].iter().filter(|page| page.status() == StatusCode::SEE_OTHER).count();
    assert_eq!(entered, 1);
    let everybody = scene.participants().await;
    let came = everybody.as_array().unwrap().iter().filter(|one| one["role"] == "interpreter").count();
    assert_eq!(came, 1);
}

#[tokio::test]
async fn an_old_letter_counts_for_the_search_that_goes_on() {
    let scene = scene().await;
    scene.ask().await;
    let ines = scene.link("ines").await;
    scene.clock.advance_seconds(120);
    let bea = scene.link("bea").await;
    scene.clock.advance_seconds(120);
    scene.kit.told().await;
    assert_eq!(scene.stands().await["status"], "not_found");
    // Asked again: Ines first. Bea opens her letter of before.
    assert_eq!(answers(&scene.ask().await), said(&[("Ines Prado", "asked")]));
    assert!(open(&bea).await.1.contains("Can you interpret now?"));
    accept(&scene.kit, &bea, scene.visit.body["code"].as_str().unwrap()).await;
    let search = scene.stands().await;
    assert_eq!(search["status"], "accepted");
    assert_eq!(answers(&search), said(&[("Ines Prado", "no_answer"), ("Bea Ruiz", "accepted")]));
    assert!(open(&ines).await.1.contains("Somebody else is coming"));
    assert_eq!(press(&ines, "yes").await.status(), StatusCode::OK);
    let everybody = scene.participants().await;
    assert_eq!(everybody.as_array().unwrap().iter().filter(|one| one["role"] == "interpreter").count(), 1);
    // A second language beside the first: who is there finds back by the own letter.
    let sign = json!({ "language": "ase" });
    let asked = scene.provider.client.post(&scene.path(), sign).await.data();
    assert_eq!(answers(&asked), said(&[("Sam Lee", "asked")]));
    assert!(open(&bea).await.1.contains("Join the call"));
    assert!(open(&ines).await.1.contains("Nobody is needed"), "she does not sign");
}

#[tokio::test]
async fn an_old_letter_opens_nothing_for_somebody_off_the_list() {
    let scene = scene().await;
    let list = scene.kit.admin().get("/interpreters?language=es").await.data();
    scene.ask().await;
    let ines = scene.link("ines").await;
    assert!(press(&ines, "no").await.status().is_success());
    // A letter of a search that was called off is not sent any more: hers has come before.
    let bea = scene.link("bea").await;
    scene.provider.client.delete(&scene.path()).await.ok();
    for (one, change) in list.as_array().unwrap().iter().zip([None, Some(json!({ "active": false }))]) {
        let path = format!("/interpreters/{}", one["id"].as_str().unwrap());
        match change {
            Some(change) => scene.kit.admin().post(&path, change).await.ok(),
            None => scene.kit.admin().delete(&path).await.ok(),
        };
    }
    let hugo = listed(&scene.kit, "Hugo Paz", json!(["es"]), 9).await;
    let asked = scene.ask().await;
    assert_eq!(asked["asks"][0]["interpreter_id"], hugo["id"]);
    for old in [ines, bea] {
        assert_eq!(open(&old).await.0, StatusCode::GONE);
        assert_eq!(press(&old, "yes").await.status(), StatusCode::GONE);
    }
    assert_eq!(scene.asks().await, said(&[("Hugo Paz", "asked")]));
}

#[tokio::test]
async fn the_search_goes_on_after_a_restart() {
    let mut scene = scene().await;
    scene.ask().await;
    assert_eq!(scene.letters_to().await.len(), 1);
    scene.kit.stop().await;
    scene.clock.advance_seconds(300);
    scene.kit.restart_on(&scene.clock).await;
    assert_eq!(scene.letters_to().await.len(), 2, "the second is asked once");
    let provider = scene.kit.provider("d-1", &[]).await;
    let search = provider.client.get(&scene.path()).await.data();
    assert_eq!(answers(&search), said(&[("Ines Prado", "no_answer"), ("Bea Ruiz", "asked")]));
}

#[tokio::test]
async fn nobody_is_asked_for_a_visit_that_is_over_or_called_off() {
    let scene = scene().await;
    scene.ask().await;
    let link = scene.link("ines").await;
    let called_off = scene.provider.client.delete(&scene.path()).await.data();
    assert_eq!(called_off["status"], "cancelled");
    assert_eq!(open(&link).await.0, StatusCode::GONE);
    assert_eq!(press(&link, "yes").await.status(), StatusCode::GONE);
    scene.provider.client.delete(&scene.path()).await.ok();
    assert_eq!(scene.trail("interpreters.cancel").await, 1);
    scene.clock.advance_seconds(120);
    assert_eq!(scene.letters_to().await.len(), 1);
    // Asked again, and the visit ends meanwhile.
    assert_eq!(answers(&scene.ask().await), said(&[("Ines Prado", "asked")]));
    let link = scene.link("ines").await;
    scene.provider.act(&scene.visit, "complete").await.ok();
    let (status, page) = open(&link).await;
    assert!(status == StatusCode::GONE && page.contains("Nobody is needed"), "{page}");
    assert_eq!(press(&link, "yes").await.status(), StatusCode::GONE);
    scene.clock.advance_seconds(120);
    assert_eq!(scene.letters_to().await.len(), 2);
    assert_eq!(scene.stands().await["status"], "cancelled");
    scene.provider.client.post(&scene.path(), json!({})).await.refused(400, "visit_closed");
}

#[tokio::test]
async fn a_link_cannot_be_made_up_or_carried_elsewhere() {
    let scene = scene().await;
    scene.ask().await;
    let link = scene.link("ines").await;
    let (head, signature) = link.rsplit_once('.').unwrap();
    let (request, who) = head.rsplit_once('.').unwrap();
    let other = scene.kit.admin().get("/interpreters?language=ase").await.data();
    let swapped = format!("{request}.{}.{signature}", other[0]["id"].as_str().unwrap());
    for bad in [format!("{head}.{}", "0".repeat(64)), swapped, who.to_owned(), String::new()] {
        let bad =
            if bad.starts_with("http") { bad } else { format!("{}/interpret?who={bad}", scene.kit.base) };
        assert_eq!(open(&bad).await.0, StatusCode::NOT_FOUND, "{bad}");
        assert_eq!(press(&bad, "yes").await.status(), StatusCode::NOT_FOUND, "{bad}");
    }
    assert_eq!(scene.asks().await, said(&[("Ines Prado", "asked")]));
    // Another program's request is no answer.
    assert_eq!(press(&link, "maybe").await.status(), StatusCode::OK);
    assert_eq!(scene.asks().await, said(&[("Ines Prado", "asked")]));
}

#[tokio::test]
async fn the_list_is_kept_by_admins_and_decides_who_is_asked() {
    let scene = scene().await;
    let admin = scene.kit.admin();
    let names = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    let all = admin.get("/interpreters").await.data();
    assert_eq!(names(&all), ["Sam Lee", "Ines Prado", "Bea Ruiz"]);
    let spanish = admin.get("/interpreters?language=es-AR").await.data();
    assert_eq!(
        names(&spanish),
        ["Ines Prado"],
        "who speaks Mexican Spanish is not who speaks Argentine Spanish"
    );
    let offered = scene.kit.anonymous().get("/rooms/main").await.data()["interpreter_languages"].clone();
    let tags: Vec<_> =
        offered.as_array().unwrap().iter().map(|one| one["language"].as_str().unwrap()).collect();
    assert_eq!(tags, ["ase", "es", "es-MX", "pt"]);
    assert_eq!(offered[0]["name"], "American Sign Language");
    // On holiday: not asked, not offered.
    let ines = format!("/interpreters/{}", spanish[0]["id"].as_str().unwrap());
    let changed = admin.post(&ines, json!({ "active": false })).await.data();
    assert_eq!((&changed["active"], &changed["name"]), (&json!(false), &json!("Ines Prado")));
    assert_eq!(answers(&scene.ask().await), said(&[("Bea Ruiz", "asked")]));
    // Off the list, the name stays where she was asked; a second time there is nothing.
    let bea = format!("/interpreters/{}", all[2]["id"].as_str().unwrap());
    admin.delete(&bea).await.ok();
    admin.delete(&bea).await.refused(404, "interpreter_not_found");
    admin.post(&bea, json!({ "order": 1 })).await.refused(404, "interpreter_not_found");
    assert_eq!(scene.asks().await, said(&[("Bea Ruiz", "asked")]));
    scene.clock.advance_seconds(120);
    scene.kit.told().await;
    assert_eq!(scene.stands().await["status"], "not_found");
    let refused = scene.provider.client.post(&scene.path(), json!({})).await.refused(400, "no_interpreter");
    assert_eq!(refused["language"], "es");
    for (wrong, field) in [
        (json!({ "email": "x@example.org", "languages": ["es"] }), "name"),
        (json!({ "name": "A", "email": "x", "languages": ["es"] }), "email"),
        (json!({ "name": "A", "email": "x@example.org" }), "languages"),
        (json!({ "name": "A", "email": "x@example.org", "languages": ["not a tag"] }), "languages"),
        (json!({ "name": "A", "email": "x@example.org", "languages": ["es"], "phone": "12" }), "phone"),
    ] {
        let refused = admin.post("/interpreters", wrong).await.refused(400, "invalid_field");
        assert!(refused["fields"].get(field).is_some(), "{field}: {refused}");
    }
}

#[tokio::test]
async fn the_language_comes_from_the_provider_or_the_intake() {
    let scene = scene().await;
    let other = scene.patient.walk_in("main").await;
    scene.provider.act(&other, "accept").await.ok();
    let path = format!("/visits/{}/interpreter", other.id);
    let refused = scene.provider.client.post(&path, json!({})).await.refused(400, "invalid_field");
    assert!(refused["fields"].get("language").is_some());
    assert_eq!(scene.provider.client.get(&path).await.data()["language"], Value::Null);
    let asked = scene.provider.client.post(&path, json!({ "language": "ASE" })).await.data();
    assert_eq!(answers(&asked), said(&[("Sam Lee", "asked")]));
    let spanish = json!({ "language": "es" });
    scene.provider.client.post(&path, spanish.clone()).await.refused(400, "interpreter_asked");
    scene.provider.client.delete(&path).await.ok();
    let asked = scene.provider.client.post(&path, spanish).await.data();
    assert_eq!(answers(&asked), said(&[("Ines Prado", "asked")]));
    // What a portal asked in its own words stays as it was said.
    let third = waiting(&scene.patient, "a language").await;
    scene.provider.act(&third, "accept").await.ok();
    let path = format!("/visits/{}/interpreter", third.id);
    assert_eq!(scene.provider.client.get(&path).await.data()["language"], "a language");
    scene.provider.client.post(&path, json!({})).await.refused(400, "invalid_field");
    scene
        .provider
        .client
        .post(&path, json!({ "language": "quite wrong" }))
        .await
        .refused(400, "invalid_field");
}

#[tokio::test]
async fn a_number_is_rung_too_where_the_server_sends_short_messages() {
    let scene = scene().await;
    let list = scene.kit.admin().get("/interpreters?language=es").await.data();
    let ines = format!("/interpreters/{}", list[0]["id"].as_str().unwrap());
    scene.kit.admin().post(&ines, json!({ "phone": "+1 (518) 555-0123" })).await.ok();
    scene.ask().await;
    let sent = scene.kit.short_messages().await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].0, "+15185550123");
    assert!(sent[0].1.contains("/interpret?who="), "{}", sent[0].1);
    assert_eq!(scene.letters_to().await.len(), 1);
}

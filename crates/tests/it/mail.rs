//! Mails: forgotten and first passwords, and the notice of a change.

use bedside_app::{
    Actor, accounts,
    profile::ProfileInput,
    users::{self, Add},
};
use bedside_tests::kit::{Answer, Client, Kit, Letter};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery staple";
const OTHER: &str = "seven purple tractors sing";

async fn system(kit: &Kit) -> Actor {
    Actor::system(accounts::get_by_code(&kit.app, &kit.clinic.code).await.unwrap().id)
}

async fn add(kit: &Kit, kind: i64, username: &str, email: &str) -> String {
    let command = Add {
        kind,
        username: Some(username.to_owned()),
        password: Some(PASSWORD.to_owned()),
        profile: ProfileInput {
            first_name: Some("Amara".to_owned()),
            last_name: Some("Osei".to_owned()),
            email: Some(email.to_owned()),
            ..ProfileInput::default()
        },
        ..Add::default()
    };
    users::add(&kit.app, &system(kit).await, command).await.unwrap().user.id.to_string()
}

/// Somebody of the portal's with an e-mail address and no password.
async fn portal_patient(kit: &Kit, code: &str, email: &str) -> (String, String) {
    let body =
        json!({ "first_name": "Maria", "last_name": "Silva", "code": code, "type": 200, "email": email });
    let data = kit.portal().post("/users/sso", body).await.data();
    (data["id"].as_str().unwrap().to_owned(), data["token"]["token"].as_str().unwrap().to_owned())
}

async fn forgot(kit: &Kit, body: Value) -> Answer {
    kit.anonymous().header("X-AccountCode", &kit.clinic.code).post("/users/forgot_password", body).await
}

async fn login(kit: &Kit, body: Value) -> Answer {
    kit.anonymous().header("X-AccountCode", &kit.clinic.code).post("/users/login", body).await
}

async fn set(kit: &Kit, token: &str, password: &str) -> Answer {
    kit.anonymous()
        .header("X-Session-Kind", "admin")
        .post("/users/password", json!({ "email_token": token, "password": password }))
        .await
}

#[tokio::test]
async fn a_forgotten_password_is_replaced() {
    let kit = Kit::start().await;
    let id = add(&kit, 400, "osei", "amara@example.org").await;
    let before = login(&kit, json!({ "username": "osei", "password": PASSWORD })).await.ok().json();
    let answer = forgot(&kit, json!({ "username": "osei" })).await.ok();
    assert_eq!(answer.json(), json!({ "data": {} }));
    let letters = kit.letters().await;
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert!(letter.header("To").ends_with("<amara@example.org>"));
    assert_eq!(letter.header("Subject"), "Choose your password");
    assert!(letter.body.contains(&format!("{}/password?email_token=", kit.base)), "{}", letter.body);
    assert!(letter.body.contains("Northside Clinic") && letter.body.contains("osei"));
    let token = letter.token();
    assert_eq!(token.len(), 32);
    // The link says whose it is, and looking does not use it up.
    for _ in 0..2 {
        let link = kit.anonymous().post("/users/password_link", json!({ "token": token })).await.data();
        let expected = json!({ "username": "osei", "account_name": "Northside Clinic",
            "account_code": "northside", "kind": "provider" });
        assert_eq!(link, expected);
    }
    set(&kit, &token, "short").await.refused(400, "invalid_field");
    set(&kit, &token, "amara@example.org1").await.refused(400, "invalid_field");
    let answer = set(&kit, &token, OTHER).await.ok();
    assert!(answer.headers["set-cookie"].to_str().unwrap().starts_with("bedside_provider="));
    set(&kit, &token, PASSWORD).await.refused(401, "token_used");
    let gone = kit.anonymous().post("/users/password_link", json!({ "token": token })).await;
    gone.refused(401, "token_used");
    login(&kit, json!({ "username": "osei", "password": PASSWORD })).await.refused(401, "login_failed");
    login(&kit, json!({ "username": "osei", "password": OTHER })).await.ok();
    // Whoever was in with the old password is out.
    let old = before["token"]["token"].as_str().unwrap();
    kit.bearer(old).get("/users/-").await.refused(401, "token_unknown");
    let me = kit.admin().get(&format!("/users/{id}")).await.data();
    assert_eq!(me["email_verified"], true);
    // And they are told.
    let letters = kit.letters().await;
    assert_eq!(letters.len(), 2);
    assert_eq!(letters[1].header("Subject"), "Your password was changed");
    assert!(!letters[1].body.contains("email_token"));
}

#[tokio::test]
async fn the_same_address_at_several_users_and_the_token_tells() {
    let kit = Kit::start().await;
    let mother = add(&kit, 200, "mother", "Family@Example.org").await;
    let provider = add(&kit, 400, "provider", "family@example.org").await;
    forgot(&kit, json!({ "email": " FAMILY@example.ORG " })).await.ok();
    let letters = kit.letters().await;
    assert_eq!(letters.len(), 2);
    let token = |name: &str| {
        letters.iter().find(|letter| letter.body.contains(&format!("is {name}."))).unwrap().token()
    };
    for (name, id) in [("mother", &mother), ("provider", &provider)] {
        let token = token(name);
        let wrong = json!({ "email": "other@example.org", "email_token": token });
        login(&kit, wrong).await.refused(401, "login_failed");
        let filtered = json!({ "email": "family@example.org", "email_token": token, "user_type": 100 });
        login(&kit, filtered).await.refused(401, "login_failed");
        let right = json!({ "email": "family@example.org", "email_token": token });
        let body = login(&kit, right.clone()).await.ok().json();
        assert_eq!((&body["data"]["id"], &body["data"]["token"]), (&json!(id), &body["token"]));
        login(&kit, right).await.refused(401, "login_failed");
    }
}

#[tokio::test]
async fn nobody_learns_who_there_is() {
    let kit = Kit::start().await;
    let id = add(&kit, 400, "osei", "").await;
    let (gone, _) = portal_patient(&kit, "gone", "gone@example.org").await;
    kit.admin().post(&format!("/users/{gone}"), json!({ "status": 30 })).await.ok();
    let other = kit.another_clinic("southside").await;
    let there = kit.anonymous().header("X-AccountCode", &other.code);
    let (_, token) = portal_patient(&kit, "m", "maria@example.org").await;
    let known = forgot(&kit, json!({ "email": "maria@example.org" })).await.ok();
    kit.letters().await;
    for body in [
        json!({ "email": "nobody@example.org" }),
        json!({ "username": "nobody" }),
        json!({ "username": "osei" }),
        json!({ "email": "gone@example.org" }),
        json!({ "email": "%@example.org" }),
        json!({ "email": "a@b\r\nBcc: c@d" }),
    ] {
        let answer = forgot(&kit, body.clone()).await;
        assert_eq!((answer.status, &answer.text), (known.status, &known.text), "{body}");
    }
    there.post("/users/forgot_password", json!({ "email": "maria@example.org" })).await.ok();
    assert_eq!(kit.letters().await.len(), 1, "only Maria's own");
    forgot(&kit, json!({})).await.refused(400, "invalid_field");
    forgot(&kit, json!({ "email": " ", "username": "" })).await.refused(400, "invalid_field");
    // A patient of the portal may have a password from now on, and stays signed in there until then.
    kit.bearer(&token).get("/users/-").await.ok();
    assert!(!id.is_empty());
}

#[tokio::test]
async fn a_few_mails_an_hour_and_no_more() {
    let (kit, clock) = Kit::on_a_clock().await;
    add(&kit, 400, "osei", "amara@example.org").await;
    add(&kit, 400, "lind", "lind@example.org").await;
    // The clock stands, so letters have no order; each time one is new.
    let mut tokens: Vec<String> = Vec::new();
    for _ in 0..5 {
        forgot(&kit, json!({ "username": "osei" })).await.ok();
        let new = kit.letters().await.iter().map(Letter::token).find(|token| !tokens.contains(token));
        tokens.extend(new);
    }
    assert_eq!((tokens.len(), kit.letters().await.len()), (3, 3), "three for one user");
    // The newest link counts, the older ones have ended.
    let link =
        async |token: &str| kit.anonymous().post("/users/password_link", json!({ "token": token })).await;
    link(&tokens[0]).await.refused(401, "token_used");
    link(&tokens[2]).await.ok();
    // One address asked for five; it gets five more, for whomever.
    for _ in 0..5 {
        forgot(&kit, json!({ "username": "nobody" })).await.ok();
    }
    forgot(&kit, json!({ "username": "lind" })).await.ok();
    assert_eq!(kit.letters().await.len(), 3);
    clock.advance_seconds(3_600);
    link(&tokens[2]).await.refused(401, "token_expired");
    set(&kit, &tokens[2], OTHER).await.refused(401, "token_expired");
    let late = json!({ "email": "amara@example.org", "email_token": tokens[2] });
    login(&kit, late).await.refused(401, "login_failed");
    forgot(&kit, json!({ "username": "lind" })).await.ok();
    forgot(&kit, json!({ "username": "osei" })).await.ok();
    assert_eq!(kit.letters().await.len(), 5);
}

#[tokio::test]
async fn an_admin_sends_the_first_password_and_its_token_activates() {
    let kit = Kit::start().await;
    let (id, token) = portal_patient(&kit, "m", "maria@example.org").await;
    kit.admin().post(&format!("/users/{id}"), json!({ "status": 10 })).await.ok();
    kit.bearer(&token).get("/users/-").await.refused(401, "token_unknown");
    let send =
        async |by: Client, id: &str| by.post(&format!("/users/{id}/send_password_mail"), json!({})).await;
    send(kit.admin(), &id).await.ok();
    let letters = kit.letters().await;
    assert_eq!(letters.len(), 1);
    assert!(letters[0].body.contains("has made a login for you") && letters[0].body.contains("one day"));
    let right = json!({ "email": "maria@example.org", "email_token": letters[0].token(), "user_type": 200 });
    let body = login(&kit, right).await.ok().json();
    assert_eq!(body["data"]["active"], true);
    let token = body["token"]["token"].as_str().unwrap();
    let me = kit.bearer(token).get("/users/-").await.data();
    assert_eq!((&me["status"], &me["email_verified"]), (&json!(20), &json!(true)));
    // Whoever cannot be written to.
    let silent = add(&kit, 400, "silent", "").await;
    send(kit.admin(), &silent).await.refused(400, "no_mail_possible");
    kit.admin().post(&format!("/users/{id}"), json!({ "status": 30 })).await.ok();
    send(kit.admin(), &id).await.refused(400, "no_mail_possible");
    kit.admin().post(&format!("/users/{id}"), json!({ "status": 20 })).await.ok();
    // An admin does not fill a mailbox either.
    send(kit.admin(), &id).await.ok();
    kit.letters().await;
    send(kit.admin(), &id).await.ok();
    kit.letters().await;
    let limited = send(kit.admin(), &id).await;
    assert!(limited.headers.contains_key("retry-after"));
    limited.refused(429, "too_many_requests");
    // Others may not.
    let provider = kit.provider("d", &[]).await;
    send(provider.client, &id).await.refused(403, "admin_only");
    let other = kit.another_clinic("southside").await;
    send(kit.admin_of(&other), &id).await.refused(404, "user_not_found");
}

#[tokio::test]
async fn a_suspended_users_link_opens_nothing() {
    let kit = Kit::start().await;
    let id = add(&kit, 400, "osei", "amara@example.org").await;
    forgot(&kit, json!({ "username": "osei" })).await.ok();
    let token = kit.letters().await[0].token();
    kit.admin().post(&format!("/users/{id}"), json!({ "status": 30 })).await.ok();
    // Whether suspending ended the link or the link looks at the user: nothing opens.
    for answer in [
        set(&kit, &token, OTHER).await,
        login(&kit, json!({ "email": "amara@example.org", "email_token": token })).await,
    ] {
        assert!(matches!(answer.status.as_u16(), 401 | 403), "{} {}", answer.status, answer.text);
    }
    assert_eq!(kit.admin().get(&format!("/users/{id}")).await.data()["status"], 30);
}

#[tokio::test]
async fn who_wants_no_mail_gets_none_but_what_they_asked_for() {
    let kit = Kit::start().await;
    let id = add(&kit, 200, "maria", "maria@example.org").await;
    let token = login(&kit, json!({ "username": "maria", "password": PASSWORD })).await.ok().json();
    let token = token["token"]["token"].as_str().unwrap();
    let answer = kit.anonymous().get(&format!("//auth?sso_token={token}&disable_emails=1")).await;
    assert_eq!(answer.status.as_u16(), 303);
    let mut conn = kit.app.store.reader().await.unwrap();
    let account = accounts::get_by_code(&kit.app, &kit.clinic.code).await.unwrap().id;
    let user = bedside_store::users::find(&mut conn, &account, id.parse().unwrap()).await.unwrap().unwrap();
    assert!(user.disable_emails);
    drop(conn);
    forgot(&kit, json!({ "username": "maria" })).await.ok();
    let letters = kit.letters().await;
    assert_eq!(letters.len(), 1);
    set(&kit, &letters[0].token(), OTHER).await.ok();
    // The notice of the change is one of those they do not want.
    assert_eq!(kit.letters().await.len(), 1);
}

#[tokio::test]
async fn what_waits_holds_no_secret_and_a_broken_way_is_tried_again() {
    let (mut kit, clock) = Kit::on_a_clock().await;
    add(&kit, 400, "osei", "amara@example.org").await;
    // A file where the folder should be.
    std::fs::write(kit.mail_folder(), b"in the way").unwrap();
    forgot(&kit, json!({ "email": "amara@example.org" })).await.ok();
    let failed = async || {
        let mut conn = kit.app.store.reader().await.unwrap();
        let waiting = bedside_store::jobs::waiting(&mut conn, bedside_app::mail::SEND_JOB).await.unwrap();
        assert_eq!(waiting.len(), 1);
        waiting[0].clone()
    };
    let job = tokio::time::timeout(std::time::Duration::from_secs(20), async {
        loop {
            let job = failed().await;
            if job.attempts > 0 && job.run_at > kit.app.clock.now() {
                return job;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the first attempt fails");
    let members: Vec<_> = job.payload.as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["mail_id"]);
    let mut conn = kit.app.store.reader().await.unwrap();
    let id = job.payload["mail_id"].as_str().unwrap();
    let mail =
        bedside_store::mails::find(&mut conn, job.account.as_ref().unwrap(), id).await.unwrap().unwrap();
    assert!(mail.user.is_none() && mail.wanted.is_some());
    drop(conn);
    std::fs::remove_file(kit.mail_folder()).unwrap();
    clock.advance_seconds(120);
    let letters = kit.letters().await;
    assert_eq!(letters.len(), 1, "tried again, and one letter");
    set(&kit, &letters[0].token(), OTHER).await.ok();
    kit.stop().await;
    // The token never lay in the database.
    if kit.database().is_sqlite() {
        let token = letters[0].token();
        for entry in std::fs::read_dir(kit.database().folder()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let bytes = std::fs::read(&path).unwrap();
                let found = bytes.windows(token.len()).any(|window| window == token.as_bytes());
                assert!(!found, "{} holds the token", path.display());
            }
        }
    }
}

#[tokio::test]
async fn letters_about_passwords_look_and_speak_like_all_others() {
    let kit = Kit::start().await;
    let admin = kit.admin();
    for bad in ["logo.png", "http://www.northside.example/logo.png", "javascript:alert(1)"] {
        let refused =
            admin.post("/accounts/-", json!({ "logo_url": bad })).await.refused(400, "invalid_field");
        assert!(refused["fields"]["logo_url"].is_string(), "{bad}");
    }
    let logo = "https://www.northside.example/logo.png?v=1&s=2";
    let shown = admin.post("/accounts/-", json!({ "logo_url": logo })).await.data();
    assert_eq!(shown["settings"]["logo_url"], logo);
    let osei = add(&kit, 400, "osei", "amara@example.org").await;
    forgot(&kit, json!({ "username": "osei" })).await.ok();
    let english = kit.letters().await[0].clone();
    assert_eq!(english.header("Subject"), "Choose your password");
    assert!(
        english.body.contains("Hello Amara,") && english.body.contains("logo.png?v=1&amp;s=2\""),
        "{}",
        english.body
    );
    let token = login(&kit, json!({ "username": "osei", "password": PASSWORD })).await.ok().json();
    let mine = kit.bearer(token["token"]["token"].as_str().unwrap());
    mine.post("/notifications/language", json!({ "language": "es" })).await.ok();
    set(&kit, &english.token(), OTHER).await.ok();
    forgot(&kit, json!({ "email": "amara@example.org" })).await.ok();
    let letters = kit.letters().await;
    let with = |words: &str| letters.iter().find(|one| one.body.contains(words)).expect("a letter").clone();
    let changed = with("acaba de cambiar");
    assert!(
        changed.body.contains("Hola, Amara:") && changed.body.contains("lang=\"es\""),
        "{}",
        changed.body
    );
    let link = with("una sola vez");
    assert!(link.body.contains("osei") && link.body.contains("Hola, Amara:"), "{}", link.body);
    set(&kit, &link.token(), PASSWORD).await.ok();
    for letter in [&english, &changed, &link] {
        assert!(letter.body.contains("text/plain") && letter.body.contains("text/html"));
        assert!(!letter.headers.contains("List-Unsubscribe"), "they were asked for, or protect a login");
    }
    // An empty address takes the logo away again; the clinic's language holds for whoever chose none.
    admin.post("/accounts/-", json!({ "logo_url": "" })).await.ok();
    admin.post("/notifications/settings", json!({ "language": "es" })).await.ok();
    add(&kit, 400, "lind", "jonas@example.org").await;
    forgot(&kit, json!({ "username": "lind" })).await.ok();
    let letters = kit.letters().await;
    let letter = letters.iter().find(|one| one.header("To").contains("jonas")).expect("a letter");
    assert!(letter.body.contains("Hola, Amara:") && !letter.body.contains("<img"), "{osei}: {}", letter.body);
}

//! Letters to a real mail server, read by Python's e-mail and calendar
//! libraries: what others understand of them.

use std::{path::Path, process::Stdio};

use bedside_tests::kit::Kit;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::{
    notifications::reachable,
    python_sdk::python,
    scheduling::{HOUR, MONDAY_NINE, book, id, weekdays},
};

struct Server {
    lines: Lines<BufReader<ChildStdout>>,
    port: String,
    /// The certificate to trust; none in the clear.
    root: String,
    _child: Child,
}

impl Server {
    /// The mail server, or none where there is no Python environment.
    async fn start() -> Option<Self> {
        Self::protected("plain", Path::new("")).await
    }

    /// One that protects the connection, with a certificate it puts into a folder.
    async fn protected(way: &str, folder: &Path) -> Option<Self> {
        let Some(python) = python() else {
            eprintln!("skipped: no Python environment; `cargo xtask test` makes one");
            return None;
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/smtp.py");
        let mut command = Command::new(python);
        command.arg(script).arg(way).arg(folder).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the mail server starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let said = lines.next_line().await.expect("a line").expect("its port");
        let (port, root) = said.split_once(' ').expect("a port and a certificate");
        let (port, root) = (port.to_owned(), root.to_owned());
        Some(Self { lines, port, root, _child: child })
    }

    async fn letter(&mut self) -> Value {
        let line = tokio::time::timeout(std::time::Duration::from_secs(20), self.lines.next_line()).await;
        serde_json::from_str(&line.expect("in time").expect("a line").expect("a letter")).expect("JSON")
    }

    fn settings(&self) -> Vec<(&'static str, &str)> {
        vec![
            ("mail.kind", "smtp"),
            ("mail.smtp.host", "127.0.0.1"),
            ("mail.smtp.port", &self.port),
            ("mail.smtp.protection", "plain"),
            ("mail.from", "Northside Clinic <no-reply@northside.example>"),
        ]
    }
}

async fn room(kit: &Kit) {
    kit.room("main").await;
    let settings = json!({ "visits": { "appointment": { "enabled": true } },
        "operation_settings": { "default_timezone": "America/New_York" } });
    kit.admin().post("/rooms/main", settings).await.ok();
    let provider = kit.provider("d-1", &["main"]).await;
    weekdays(&provider, "main").await.ok();
}

fn part<'l>(letter: &'l Value, kind: &str) -> &'l str {
    let parts = letter["parts"].as_array().unwrap();
    let found =
        parts.iter().find(|part| part["type"] == kind).unwrap_or_else(|| panic!("no {kind}: {letter}"));
    found["text"].as_str().unwrap()
}

#[tokio::test]
async fn letters_are_understood_by_other_programs() {
    let Some(mut server) = Server::start().await else { return };
    let (kit, _clock) = Kit::on_a_clock_with(&server.settings()).await;
    room(&kit).await;
    let maria = kit.patient("maria").await;
    reachable(&kit, &maria, "maria@example.org", "Europe/Berlin").await;
    let body = json!({ "first_name": "María José", "last_name": "Peña \"P\" <x>" });
    kit.admin().post(&format!("/users/{}", maria.id), body).await.ok();

    let visit = book(&maria, MONDAY_NINE, json!({})).await.data();
    let booked = server.letter().await;
    assert_eq!(booked["to"], json!(["maria@example.org"]));
    assert_eq!(booked["subject"], "Your visit is booked");
    assert_eq!((&booked["defects"], &booked["auto"]), (&json!([]), &json!("auto-generated")));
    assert!(part(&booked, "text/plain").starts_with("Hello María José,"));
    assert!(part(&booked, "text/plain").contains("at 3:00 PM (Europe/Berlin time)"));
    assert!(part(&booked, "text/html").contains("<p style=\"margin:0 0 16px\">Hello María José,</p>"));
    let calendar = &booked["calendars"][0];
    assert_eq!((&calendar["method"], &calendar["start"]), (&json!("REQUEST"), &json!(MONDAY_NINE)));
    let attached = booked["parts"].as_array().unwrap().iter().find(|part| part["type"] == "text/calendar");
    assert_eq!(attached.unwrap()["method"], "REQUEST");
    assert_eq!(attached.unwrap()["name"], "invite.ics");

    let path = format!("/visits/{}", id(&visit));
    maria.client.post(&path, json!({ "start": MONDAY_NINE + HOUR })).await.ok();
    let changed = server.letter().await;
    assert_eq!(
        (&changed["subject"], &changed["calendars"][0]["start"]),
        (&json!("Your visit has changed"), &json!(MONDAY_NINE + HOUR))
    );
    assert_eq!(changed["calendars"][0]["uid"], calendar["uid"], "the same entry, moved");
    kit.admin().post("/notifications/settings", json!({ "language": "es" })).await.ok();
    maria.client.post(&format!("{path}/cancel"), json!({})).await.ok();
    let cancelled = server.letter().await;
    assert_eq!(cancelled["subject"], "Su visita fue cancelada");
    assert_eq!(cancelled["calendars"][0]["method"], "CANCEL");
    assert_eq!(cancelled["calendars"][0]["uid"], calendar["uid"]);
    assert!(part(&cancelled, "text/plain").starts_with("Hola, María José:"));
    // A letter of the account's other kind goes the same way.
    let forgot = json!({ "email": "maria@example.org" });
    kit.anonymous().header("X-AccountCode", "northside").post("/users/forgot_password", forgot).await.ok();
    let link = server.letter().await;
    assert!(part(&link, "text/plain").contains("/password?email_token="));
    for letter in [&booked, &changed, &cancelled, &link] {
        let subject = letter["subject"].as_str().unwrap();
        for private in ["Mar", "Pe", "d-1", "rash", "http", "Northside"] {
            assert!(!subject.contains(private), "{subject}");
        }
        for part in letter["parts"].as_array().unwrap() {
            assert!(!part["text"].as_str().unwrap().contains("rash"), "nothing about health is mailed");
        }
    }
}

#[tokio::test]
async fn what_the_server_refuses_stands_on_the_row() {
    let Some(mut server) = Server::start().await else { return };
    let (kit, clock) = Kit::on_a_clock_with(&server.settings()).await;
    room(&kit).await;
    let state = async |visit: &Value| {
        kit.told().await;
        let path = format!("/notifications/sent?visit_id={}", id(visit));
        let row = kit.admin().get(&path).await.data()[0].clone();
        (
            row["state"].as_str().unwrap().to_owned(),
            row["reason"].as_str().unwrap().to_owned(),
            row["tries"].as_i64().unwrap(),
        )
    };
    let gone = kit.patient("gone").await;
    reachable(&kit, &gone, "gone@example.org", "").await;
    let first = book(&gone, MONDAY_NINE, json!({})).await.data();
    assert_eq!(state(&first).await, ("bounced".to_owned(), "mail_bounced".to_owned(), 1));
    let later = kit.patient("later").await;
    reachable(&kit, &later, "later@example.org", "").await;
    let second = book(&later, MONDAY_NINE + HOUR, json!({})).await.data();
    assert_eq!(state(&second).await, ("waiting".to_owned(), "mail_deferred".to_owned(), 1));
    clock.advance_seconds(10);
    assert_eq!(server.letter().await["to"], json!(["later@example.org"]));
    assert_eq!(state(&second).await, ("sent".to_owned(), String::new(), 2));
    // What nobody takes is given up in the end.
    drop(server);
    let third = book(&later, MONDAY_NINE + 2 * HOUR, json!({})).await.data();
    assert_eq!(state(&third).await, ("waiting".to_owned(), "mail_unreachable".to_owned(), 1));
    clock.advance_seconds(25 * HOUR);
    assert_eq!(state(&third).await.0, "failed");
}

#[tokio::test]
async fn letters_travel_under_tls_and_never_without() {
    for way in ["starttls", "tls"] {
        let folder = tempfile::tempdir().unwrap();
        let Some(mut server) = Server::protected(way, folder.path()).await else { return };
        let root = server.root.clone();
        let port = server.port.clone();
        let settings = |more: &[(&'static str, &'static str)]| {
            let port: &'static str = port.clone().leak();
            let mut all = vec![
                ("mail.kind", "smtp"),
                ("mail.smtp.host", "127.0.0.1"),
                ("mail.smtp.port", port),
                ("mail.smtp.protection", way),
                ("mail.smtp.user", "bedside"),
                ("mail.from", "Northside Clinic <no-reply@northside.example>"),
            ];
            all.extend(more);
            all
        };
        let trusted: &'static str = root.leak();
        let tried = async |more: &[(&'static str, &'static str)]| {
            let kit = Kit::with(&settings(more)).await;
            let body = json!({ "channel": "mail", "to": "maria@example.org" });
            kit.admin().post("/notifications/test", body).await.data()
        };
        let right = ("mail.smtp.password", "open sesame");
        let done = tried(&[right, ("mail.smtp.ca_file", trusted)]).await;
        assert_eq!(done["works"], true, "{way}: {done}");
        let letter = server.letter().await;
        assert_eq!((&letter["to"], &letter["login"]), (&json!(["maria@example.org"]), &json!("bedside")));
        assert!(letter["tls"].as_str().is_some_and(|version| version.starts_with("TLSv1.")), "{letter}");
        assert_eq!(letter["subject"], "A test message");
        // A certificate that nobody vouches for, and a wrong password.
        let refused = tried(&[right]).await;
        assert_eq!(refused["works"], false, "{way}: {refused}");
        let wrong = ("mail.smtp.password", "open barley");
        let refused = tried(&[wrong, ("mail.smtp.ca_file", trusted)]).await;
        assert_eq!(refused["reason"], "mail_login_refused", "{way}");
    }
    // A server that offers no TLS gets no letter.
    let Some(plain) = Server::start().await else { return };
    let mut settings = plain.settings();
    settings.retain(|(name, _)| *name != "mail.smtp.protection");
    settings.push(("mail.smtp.protection", "starttls"));
    let kit = Kit::with(&settings).await;
    let body = json!({ "channel": "mail", "to": "maria@example.org" });
    let refused = kit.admin().post("/notifications/test", body).await.data();
    assert_eq!(refused["works"], false, "{refused}");
}

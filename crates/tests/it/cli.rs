//! The command line, by the real binary: what it prints, and the one sentence
//! for everything that can be in the way of a start.

use std::{net::TcpListener, net::UdpSocket, os::unix::fs::PermissionsExt, path::Path};

use bedside_tests::kit::{
    Client,
    binary::{self, Process},
};
use serde_json::Value;
use sqlx::Connection;

const FREE: [(&str, &str); 2] = [("server.listen", "127.0.0.1:0"), ("media.udp_port", "0")];

#[tokio::test]
async fn a_server_without_configuration_says_how_to_begin() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Process::spawn(&["serve"], &FREE, home.path());
    let origin = server.listening().await;
    assert!(server.said().join("\n").contains("bedside account create"));
    assert!(home.path().join("data/bedside.db").exists());
    let key = home.path().join(".config/bedside/master.key");
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    let made =
        binary::run(&["account", "create", "--code", "north", "--name", "North", "--json"], &[], home.path())
            .await;
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    let portal = Client::new(&origin)
        .header("X-AccountCode", "north")
        .header("X-ApiKey", made["api_key"].as_str().unwrap())
        .header("X-ApiSecret", made["api_secret"].as_str().unwrap());
    let body = serde_json::json!({"first_name": "A", "last_name": "B", "code": "c", "type": 200});
    portal.post("/users/sso", body).await.ok();

    let token =
        binary::run(&["token", "create", "--account", "north", "--admin", "--json"], &[], home.path()).await;
    let token: Value = serde_json::from_str(&token.stdout).unwrap();
    let admin = Client::new(&origin).header("X-ApiToken", token["admin_token"].as_str().unwrap());
    admin.post("/rooms", serde_json::json!({"slug": "a", "name": "A", "domain": "a"})).await.ok();

    let link = binary::run(&["admin", "link", "--account", "north", "--json"], &[], home.path()).await;
    let link: Value = serde_json::from_str(&link.stdout).unwrap();
    let token = link["admin_link"].as_str().unwrap().rsplit_once("token=").unwrap().1;
    let page = Client::new(&origin).header("X-Session-Kind", "admin").header("Origin", &origin);
    let set = serde_json::json!({"token": token, "password": "a long enough sentence"});
    page.post("/users/password", set.clone()).await.ok();
    assert_ne!(page.post("/users/password", set).await.status, 200, "the link works once");

    let twice = binary::run(&["account", "create", "--code", "north", "--name", "N"], &[], home.path()).await;
    assert!(twice.sentence().contains("north"), "{twice:?}");
    let nobody = binary::run(&["admin", "link", "--account", "nobody"], &[], home.path()).await;
    nobody.sentence();
}

#[tokio::test]
async fn the_way_back_to_the_portal_is_set_and_followed() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Process::spawn(&["serve"], &FREE, home.path());
    let origin = server.listening().await;
    let made =
        binary::run(&["account", "create", "--code", "north", "--name", "North", "--json"], &[], home.path())
            .await;
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    let set = ["account", "portal", "--code", "north", "--name", "My North"];
    let way =
        ["--return-url", "https://my.north.example/home", "--allow-return", "https://app.north.example"];
    let done = binary::run(&[&set[..], &way[..]].concat(), &[], home.path()).await;
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let path = ["--allow-return", "app.north.example/x"];
    let bad = binary::run(&[&set[..], &path[..]].concat(), &[], home.path()).await;
    assert!(bad.sentence().contains("origin"));

    let body = serde_json::json!({"first_name": "A", "last_name": "B", "code": "c", "type": 200});
    let portal = Client::new(&origin)
        .header("X-ApiKey", made["api_key"].as_str().unwrap())
        .header("X-ApiSecret", made["api_secret"].as_str().unwrap());
    let user = portal.post("/users/sso", body).await.data();
    let token = user["token"]["token"].as_str().unwrap();
    let cases = [("https://app.north.example/done", true), ("https://elsewhere.example/", false)];
    for (wanted, allowed) in cases {
        let arrived =
            Client::new(&origin).get(&format!("//auth?sso_token={token}&return_url={wanted}")).await;
        let cookie = arrived.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap();
        let session = Client::new(&origin).page(cookie, "patient").get("/session").await.data();
        assert_eq!(session["return_url"].as_str() == Some(wanted), allowed, "{session}");
        assert_eq!(session["account"]["portal_name"], "My North");
    }
}

#[tokio::test]
async fn health_asks_the_running_server() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Process::spawn(&["serve"], &FREE, home.path());
    let origin = server.listening().await;
    let listen = origin.strip_prefix("http://").unwrap();
    let well = binary::run(&["health"], &[("server.listen", listen)], home.path()).await;
    assert_eq!(well.status.code(), Some(0), "{well:?}");
    server.signal("-TERM");
    server.ended().await;
    let gone = binary::run(&["health"], &[("server.listen", listen)], home.path()).await;
    gone.sentence();
}

#[tokio::test]
async fn a_busy_tcp_port_is_named() {
    let home = tempfile::tempdir().unwrap();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = holder.local_addr().unwrap().to_string();
    let settings = [("server.listen", addr.as_str()), ("media.udp_port", "0")];
    let ended = binary::run(&["serve"], &settings, home.path()).await;
    assert!(ended.sentence().contains(&addr) && ended.stderr.contains("--listen"), "{ended:?}");
}

#[tokio::test]
async fn a_busy_udp_port_is_named_and_the_demo_steps_aside() {
    let home = tempfile::tempdir().unwrap();
    let holder = UdpSocket::bind("0.0.0.0:0").unwrap();
    let port = holder.local_addr().unwrap().port().to_string();
    let settings = [("server.listen", "127.0.0.1:0"), ("media.udp_port", port.as_str())];
    let ended = binary::run(&["serve"], &settings, home.path()).await;
    assert!(ended.sentence().contains(&port), "{ended:?}");

    let settings = [("media.udp_port", port.as_str())];
    let mut demo =
        Process::spawn(&["demo", "--listen", "127.0.0.1:0", "--data-dir", "demo"], &settings, home.path());
    demo.listening().await;
}

#[tokio::test]
async fn a_second_server_on_the_same_file_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let mut first = Process::spawn(&["serve"], &FREE, home.path());
    first.listening().await;
    let second = binary::run(&["serve"], &FREE, home.path()).await;
    assert!(second.sentence().contains("already uses"), "{second:?}");
}

#[tokio::test]
async fn an_unusable_data_folder_is_named() {
    let home = tempfile::tempdir().unwrap();
    // A file where the folder should be: root may write anywhere else.
    std::fs::write(home.path().join("data"), "").unwrap();
    let ended = binary::run(&["serve"], &FREE, home.path()).await;
    assert!(ended.sentence().contains("data"), "{ended:?}");
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let made = binary::run(&["migrate"], &[], home.path()).await;
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    pretend_newer(&home.path().join("data/bedside.db")).await;
    for command in [&["serve"][..], &["migrate"], &["account", "create", "--code", "aa", "--name", "A"]] {
        let ended = binary::run(command, &FREE, home.path()).await;
        assert!(ended.sentence().contains("newer version"), "{ended:?}");
    }
}

async fn pretend_newer(path: &Path) {
    let mut db = sqlx::SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
    let text = "INSERT INTO schema_migrations (number) VALUES (9999)";
    sqlx::query(text).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_none_is_refused() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("data")).unwrap();
    std::fs::write(home.path().join("data/bedside.db"), "This is no database. ".repeat(400)).unwrap();
    binary::run(&["serve"], &FREE, home.path()).await.sentence();
}

#[tokio::test]
async fn a_wrong_setting_is_named() {
    let home = tempfile::tempdir().unwrap();
    let ended = binary::run(&["serve"], &[("server.listne", "x")], home.path()).await;
    assert!(ended.sentence().contains("server.listne"), "{ended:?}");
    let ended = binary::run(&["serve", "--config", "nowhere.toml"], &[], home.path()).await;
    assert!(ended.sentence().contains("nowhere.toml"), "{ended:?}");
}

#[tokio::test]
async fn an_unusable_certificate_is_named() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("cert.pem"), "not a certificate").unwrap();
    std::fs::write(home.path().join("key.pem"), "not a key").unwrap();
    for cert in ["cert.pem", "nowhere.pem"] {
        let tls = [("server.tls.cert_file", cert), ("server.tls.key_file", "key.pem")];
        let ended = binary::run(&["serve"], &[&FREE[..], &tls].concat(), home.path()).await;
        assert!(ended.sentence().contains(cert), "{ended:?}");
    }
}

#[tokio::test]
async fn the_doctor_names_a_fix_for_each_failure() {
    let home = tempfile::tempdir().unwrap();
    let well = binary::run(&["doctor"], &FREE, home.path()).await;
    assert_eq!(well.status.code(), Some(0), "{well:?}");
    let keys = home.path().join(".config/bedside");
    std::fs::create_dir_all(&keys).unwrap();
    std::fs::write(keys.join("master.key"), "short").unwrap();
    let ill = binary::run(&["doctor"], &[("server.listen", "0.0.0.0:0")], home.path()).await;
    assert_eq!(ill.status.code(), Some(1), "{ill:?}");
    assert_eq!(ill.stdout.matches("FAIL").count(), ill.stdout.matches("Fix:").count(), "{}", ill.stdout);
    assert!(ill.stdout.contains("master.key") && ill.stdout.contains("server.public_url"), "{}", ill.stdout);
}

#[tokio::test]
async fn the_doctor_says_which_ways_to_call_people_were_not_tried() {
    let home = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", home.path().join("clinic.db").display());
    let settings = [&FREE[..], &[("store.url", url.as_str()), ("sms.kind", "off")]].concat();
    let new = ["account", "create", "--code", "northside", "--name", "Northside", "--json"];
    let made = binary::run(&new, &settings, home.path()).await;
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    let line = async || {
        let said = binary::run(&["doctor"], &settings, home.path()).await;
        let line = said.stdout.lines().find(|line| line.contains("calling back")).unwrap().to_owned();
        assert_eq!(said.status.code(), Some(0), "{said:?}");
        line
    };
    let before = line().await;
    assert!(before.starts_with("note") && before.contains("northside (untested: mail, push)"), "{before}");
    let mut server = Process::spawn(&["serve"], &settings, home.path());
    let origin = server.listening().await;
    let admin = Client::new(&origin)
        .header("X-AccountCode", "northside")
        .header("X-ApiToken", made["admin_token"].as_str().unwrap());
    let test = serde_json::json!({ "channel": "mail", "to": "maria@example.org" });
    assert_eq!(admin.post("/notifications/test", test).await.data()["works"], true);
    server.signal("-TERM");
    server.ended().await;
    let after = line().await;
    assert!(after.contains("northside (untested: push)"), "{after}");
}

#[tokio::test]
async fn the_demo_keeps_its_credentials() {
    let home = tempfile::tempdir().unwrap();
    let arguments = ["demo", "--listen", "127.0.0.1:0", "--data-dir", "demo"];
    let mut files = Vec::new();
    for _ in 0..2 {
        let mut demo = Process::spawn(&arguments, &[("media.udp_port", "0")], home.path());
        let origin = demo.listening().await;
        assert!(demo.said().iter().find(|line| line.contains("http://")).unwrap().ends_with("/demo"));
        let path = home.path().join("demo/demo.json");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(file["base_url"], origin);
        let page = Client::new(&origin).header("X-AccountCode", "demo");
        for person in [&file["providers"][0], &file["patients"][0], &file["admin"]] {
            let login = serde_json::json!({"username": person["username"], "password": person["password"]});
            page.post("/users/login", login).await.ok();
        }
        files.push(file);
        demo.signal("-TERM");
        demo.ended().await;
    }
    for name in ["api_key", "api_secret", "admin_token", "providers", "patients", "admin"] {
        assert_eq!(files[0][name], files[1][name], "{name}");
    }
    assert_eq!(files[0]["rooms"].as_array().unwrap().len(), 2);
    assert_eq!(files[0]["providers"].as_array().unwrap().len(), 3);
    assert_eq!(files[0]["patients"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_stage_is_for_this_machine_and_the_demo_alone() {
    let home = tempfile::tempdir().unwrap();
    let arguments = ["demo", "--listen", "127.0.0.1:0", "--data-dir", "demo"];
    let mut demo = Process::spawn(&arguments, &[("media.udp_port", "0")], home.path());
    let here = Client::new(&demo.listening().await);
    here.get("//demo/stage.json").await.ok();
    let played = here.post("//demo/portal", serde_json::json!({"step": "start_visit"})).await.data();
    assert_eq!(played["calls"].as_array().unwrap().len(), 4);
    let read = serde_json::json!({"step": "visit", "visit_id": played["visit_id"]});
    let read = here.post("//demo/portal", read).await.data();
    assert_eq!(read["calls"][0]["response_body"]["data"]["id"], played["visit_id"]);
    for stranger in
        [here.header("Host", "clinic.evil.example"), here.header("Origin", "https://evil.example")]
    {
        let answer = stranger.post("//demo/portal", serde_json::json!({"step": "start_visit"})).await;
        assert_eq!(answer.status, 403);
    }
    assert_eq!(here.header("Host", "evil.example").get("//demo/stage.json").await.status, 403);
}

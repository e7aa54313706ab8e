//! Clinics: what everybody may know of them, how they are set up, which host
//! and which path stands for which.

use base64::{Engine, prelude::BASE64_STANDARD};
use bedside_app::{
    Actor,
    accounts::{self, Update},
};
use bedside_model::account::Wizard;
use bedside_tests::kit::{Client, Kit, binary};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const SSO: fn() -> Value = || json!({ "first_name": "Maria", "last_name": "Santos", "code": "m" });

/// The operator gives a clinic its host.
async fn set_domain(kit: &Kit, code: &str, domain: &str) -> bedside_app::Result<()> {
    let account = accounts::get_by_code(&kit.app, code).await?;
    let command = Update { domain: Some(domain.to_owned()), ..Update::default() };
    accounts::update(&kit.app, &Actor::system(account.id), None, command).await.map(|_| ())
}

#[tokio::test]
async fn clinics_are_listed_only_when_the_server_says_so() {
    let kit = Kit::start().await;
    kit.another_clinic("southside").await;
    for client in [kit.anonymous(), kit.admin(), kit.portal()] {
        let list = client.get("/accounts").await.ok().json();
        assert_eq!((&list["data"], &list["total_count"], &list["total"]), (&json!([]), &json!(0), &json!(0)));
    }
    let kit = Kit::with(&[("accounts.list_publicly", "true")]).await;
    kit.another_clinic("southside").await;
    let list = kit.anonymous().get("/accounts.json").await.ok().json();
    let codes: Vec<&str> =
        list["data"].as_array().unwrap().iter().map(|row| row["code"].as_str().unwrap()).collect();
    assert_eq!((codes.len(), list["total_count"].as_i64()), (2, Some(2)));
    assert!(codes.contains(&"northside") && codes.contains(&"southside"));
    let row = list["data"][0].as_object().unwrap();
    assert_eq!(row.keys().collect::<Vec<_>>(), ["code", "name"], "no more than that");
    let page = kit.anonymous().get("/accounts?start=1&limit=1").await.ok().json();
    assert_eq!((page["data"].as_array().unwrap().len(), page["total"].as_i64()), (1, Some(2)));
}

#[tokio::test]
async fn everybody_reads_the_forms_of_a_clinic() {
    let kit = Kit::start().await;
    let account = kit.anonymous().get("/accounts/northside.json").await.data();
    assert!(account["id"].as_str().unwrap().len() == 36);
    for (field, wanted) in [
        ("code", "northside"),
        ("name", "Northside Clinic"),
        ("portal_title", "Northside Clinic"),
        ("portal_name", "Northside Portal"),
        ("portal_return_url", "https://portal.example/home"),
        ("domain", "127.0.0.1"),
        ("privacy_id", ""),
    ] {
        assert_eq!(account[field], wanted, "{field}");
    }
    assert_eq!(account["states"]["signup"]["signup"], Wizard::Signup.default_steps());
    assert_eq!(account["intake_steps"], Wizard::Intake.default_steps());
    assert_eq!(account["post_intake_steps"], json!([]));
    assert!(account.get("settings").is_none(), "how it is set up is for its admins: {account}");

    // `-` is the caller's own.
    let patient = kit.patient("p-1").await;
    for client in [kit.anonymous(), kit.portal(), patient.client.clone(), kit.admin()] {
        assert_eq!(client.get("/accounts/-").await.data()["id"], account["id"]);
    }
    assert!(patient.client.get("/accounts/-").await.data().get("settings").is_none());
    assert_eq!(kit.admin().get("/accounts/-").await.data()["settings"]["require_api_secret"], true);
    kit.anonymous().get("/accounts/nowhere").await.refused(404, "account_unknown");

    let other = kit.another_clinic("southside").await;
    kit.anonymous().get("/accounts/-").await.refused(400, "account_missing");
    let seen = kit.admin_of(&other).get("/accounts/northside").await.data();
    assert!(seen["id"] == account["id"] && seen.get("settings").is_none());
}

#[tokio::test]
async fn what_a_clinic_says_of_itself_comes_in_every_encoding() {
    let kit = Kit::start().await;
    let admin = kit.admin();
    let steps = json!([{ "code": "why", "name": "Why", "next": { "title": "Go" }, "sections": [{ "code": "s",
        "schema": { "reason_for_visit": { "type": "string", "required": true, "maxLength": 80 } },
        "form": [{ "key": "reason_for_visit", "placeholder": "Why?", "type": "text" }] }] }]);
    let set = json!({ "name": " North ", "portal_title": "My North", "portal_name": "Home", "privacy_id": "p-7",
        "portal_return_url": "https://north.example/home", "return_origins": ["https://A.example/"],
        "cors_origins": "https://b.example:443,https://c.example", "domain": "Portal.North.Example",
        "require_api_secret": 0, "max_file_bytes": "1000000", "one_time_links": 1, "signup": steps, "intake_steps": steps.to_string() });
    let now = admin.post("/accounts/-", set).await.data();
    assert_eq!(
        (&now["name"], &now["portal_title"], &now["privacy_id"]),
        (&json!("North"), &json!("My North"), &json!("p-7"))
    );
    assert_eq!((&now["domain"], &now["portal_name"]), (&json!("portal.north.example"), &json!("Home")));
    assert_eq!((&now["states"]["signup"]["signup"], &now["intake_steps"]), (&steps, &steps));
    let settings = json!({ "sso_enabled": true, "require_api_secret": false, "max_file_bytes": 1_000_000, "one_time_links": true,
        "return_origins": ["https://a.example"], "cors_origins": ["https://b.example", "https://c.example"], "embed_origins": [],
        "logo_url": "", "idle_minutes": 15 });
    assert_eq!(now["settings"], settings);
    assert_eq!(admin.get("/accounts/-").await.data(), now);

    // What is left out stays, an empty text takes ours again.
    let form = [
        ("sso_enabled", "0"),
        ("return_origins[]", "https://d.example"),
        ("return_origins[]", "https://e.example"),
        ("signup", ""),
    ];
    let now = admin.form("/accounts/northside.json", &form).await.data();
    assert_eq!((&now["name"], &now["settings"]["sso_enabled"]), (&json!("North"), &json!(false)));
    assert_eq!(now["settings"]["return_origins"], json!(["https://d.example", "https://e.example"]));
    assert_eq!(
        (&now["states"]["signup"]["signup"], &now["intake_steps"]),
        (&Wizard::Signup.default_steps(), &steps)
    );
    let now = admin
        .multipart(
            "/accounts/-",
            &[("portal_title", ""), ("domain", ""), ("max_file_bytes", "0"), ("intake_steps", "[]")],
        )
        .await
        .data();
    assert_eq!((&now["portal_title"], &now["domain"]), (&json!("North"), &json!("127.0.0.1")));
    assert_eq!((&now["settings"]["max_file_bytes"], &now["intake_steps"]), (&Value::Null, &json!([])));
}

#[tokio::test]
async fn a_field_that_cannot_be_is_named_and_nothing_changes() {
    let kit = Kit::start().await;
    let before = kit.admin().get("/accounts/-").await.data();
    let many: Vec<String> = (0..51).map(|n| format!("https://o{n}.example")).collect();
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("x".repeat(129))),
        ("portal_return_url", json!("javascript:alert(1)")),
        ("portal_return_url", json!("/home")),
        ("return_origins", json!(["https://a.example/path"])),
        ("cors_origins", json!(["*"])),
        ("cors_origins", json!(["null"])),
        ("cors_origins", json!(["https://*.example"])),
        ("cors_origins", json!(many)),
        ("domain", json!("https://a.example")),
        ("domain", json!("localhost")),
        ("domain", json!("a.example:8080")),
        ("max_file_bytes", json!(-1)),
        ("max_file_bytes", json!("much")),
        ("sso_enabled", json!("perhaps")),
        ("intake_steps", json!("no json")),
        ("intake_steps", json!([{ "name": "no code" }])),
        ("signup", json!([{ "code": "a", "sections": [{ "code": "s", "form": [{ "key": "x" }] }] }])),
        ("post_intake_steps", json!([{ "code": "a", "hint": "x".repeat(70_000) }])),
    ] {
        let body = json!({ "portal_title": "Changed", field: value });
        let refused = kit.admin().post("/accounts/-", body).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{field} = {value}: {refused}");
    }
    assert_eq!(kit.admin().get("/accounts/-").await.data(), before);
    let other = kit.another_clinic("southside").await;
    kit.admin_of(&other)
        .post("/accounts/northside", json!({ "name": "Ours" }))
        .await
        .refused(404, "account_unknown");
    assert_eq!(kit.admin().get("/accounts/-").await.data(), before);
}

#[tokio::test]
async fn single_sign_on_follows_its_switches_at_once() {
    let kit = Kit::start().await;
    let (admin, portal) = (kit.admin(), kit.portal());
    let bare = portal.without("X-ApiSecret");
    bare.post("/users/sso", SSO()).await.refused(401, "api_secret_missing");
    admin.post("/accounts/-", json!({ "require_api_secret": false })).await.ok();
    bare.post("/users/sso", SSO()).await.ok();
    admin.post("/accounts/-", json!({ "sso_enabled": "0" })).await.ok();
    portal.post("/users/sso", SSO()).await.refused(403, "sso_disabled");
    admin.post("/accounts/-", json!({ "sso_enabled": "1", "require_api_secret": true })).await.ok();
    portal.post("/users/sso", SSO()).await.ok();
    bare.post("/users/sso", SSO()).await.refused(401, "api_secret_missing");
}

#[tokio::test]
async fn a_host_may_stand_for_a_clinic() {
    let kit = Kit::start().await;
    let other = kit.another_clinic("southside").await;
    let at = async |client: Client, host: &str| client.header("Host", host).get("/accounts/-").await;
    let nobody = kit.anonymous();
    for (host, code) in
        [("api-northside.clinics.example", "northside"), ("API-Southside.clinics.example:8443", "southside")]
    {
        assert_eq!(at(nobody.clone(), host).await.data()["code"], code, "{host}");
    }
    for host in [
        "clinics.example",
        "northside.clinics.example",
        "api-nowhere.clinics.example",
        "api-.clinics.example",
    ] {
        at(nobody.clone(), host).await.refused(400, "account_missing");
    }
    // A clinic's own domain.
    let (ours, theirs) = (kit.clinic.code.clone(), other.code.clone());
    for (code, domain) in [(&ours, "portal.north.example"), (&theirs, "portal.south.example")] {
        set_domain(&kit, code, domain).await.unwrap();
    }
    assert_eq!(at(nobody.clone(), "portal.north.example").await.data()["code"], "northside");
    assert_eq!(at(nobody.clone(), "Portal.South.example:80").await.data()["code"], "southside");
    at(nobody.clone(), "portal.west.example").await.refused(400, "account_missing");
    // A guest arrives at a page of this host, which sends no code.
    kit.room("main").await;
    let body = json!({ "first_name": "Gus", "last_name": "Guest", "room_code": "main" });
    let page = nobody.header("Host", "portal.north.example");
    page.post("/users/guest_login", body.clone()).await.ok();
    let south = nobody.header("Host", "portal.south.example");
    south.post("/users/guest_login", body).await.refused(404, "room_not_found");

    // The host is only a default: header, key and token say more.
    let host = "api-southside.clinics.example";
    assert_eq!(at(nobody.header("X-AccountCode", "northside"), host).await.data()["code"], "northside");
    let patient = kit.patient("p-1").await;
    assert_eq!(at(patient.client.without("X-AccountCode"), host).await.data()["code"], "northside");
    assert_eq!(at(kit.portal().without("X-AccountCode"), host).await.data()["code"], "northside");
}

#[tokio::test]
async fn empty_headers_say_nothing_and_contradictions_are_refused() {
    let kit = Kit::start().await;
    let other = kit.another_clinic("southside").await;
    let patient = kit.patient("p-1").await;
    for name in ["X-ApiKey", "X-ApiSecret", "X-AccountCode"] {
        for empty in ["", "  "] {
            patient.client.header(name, empty).get("/users/-").await.ok();
        }
    }
    kit.portal().header("X-ApiToken", "").get("/rooms").await.ok();
    // All four on every call, as clients send them.
    let all = kit.portal().header("X-ApiToken", &patient.token);
    all.get("/users/-").await.ok();
    all.header("X-ApiKey", "nonsense").get("/users/-").await.ok();

    kit.portal().header("X-AccountCode", "southside").get("/rooms").await.refused(401, "api_key_invalid");
    kit.portal_of(&other)
        .header("X-AccountCode", "northside")
        .post("/users/sso", SSO())
        .await
        .refused(401, "api_key_invalid");
    patient
        .client
        .header("X-AccountCode", "southside")
        .get("/users/-")
        .await
        .refused(401, "token_of_other_account");
    kit.anonymous().header("X-AccountCode", "nowhere").get("/rooms").await.refused(404, "account_unknown");
}

#[tokio::test]
async fn among_several_clinics_the_operator_gives_the_domains() {
    let kit = Kit::start().await;
    let body = json!({ "domain": "portal.north.example" });
    kit.admin().post("/accounts/-", body.clone()).await.ok();
    let other = kit.another_clinic("southside").await;
    let stranger = kit.admin_of(&other);
    stranger.post("/accounts/-", body.clone()).await.refused(403, "operator_only");
    stranger
        .post("/accounts/-", json!({ "domain": "portal.south.example" }))
        .await
        .refused(403, "operator_only");
    // Saying again what is so already is no change.
    kit.admin().post("/accounts/-", body).await.ok();
    stranger.post("/accounts/-", json!({ "domain": "", "name": "South" })).await.ok();
    // Nor does the operator give one host to two.
    let refused = set_domain(&kit, "southside", "portal.north.example").await.unwrap_err();
    assert_eq!(refused.code(), Some("invalid_field"));
}

#[tokio::test]
async fn the_operator_sets_clinics_up_on_the_command_line() {
    let home = tempfile::tempdir().unwrap();
    let run = async |arguments: &[&str]| binary::run(arguments, &[], home.path()).await;
    for code in ["north", "south"] {
        let made = run(&["account", "create", "--code", code, "--name", code, "--json"]).await;
        assert_eq!(made.status.code(), Some(0), "{made:?}");
    }
    let list = run(&["account", "list"]).await;
    assert!(list.stdout.contains("north") && list.stdout.contains("south"), "{list:?}");
    let set = run(&[
        "account",
        "update",
        "--code",
        "north",
        "--domain",
        "portal.north.example",
        "--sso",
        "off",
        "--require-secret",
        "off",
        "--cors-origin",
        "https://a.example",
        "--cors-origin",
        "https://b.example/",
        "--embed-origin",
        "https://p.example/",
        "--json",
    ])
    .await;
    let set: Value = serde_json::from_str(&set.stdout).unwrap_or_else(|_| panic!("{set:?}"));
    assert_eq!(
        (&set["domain"], &set["sso"], &set["require_secret"]),
        (&json!("portal.north.example"), &json!("off"), &json!("off"))
    );
    assert_eq!(set["cors_origins"], "https://a.example https://b.example");
    assert_eq!(set["embed_origins"], "https://p.example");
    let again = run(&["account", "update", "--code", "north", "--cors-origin", "", "--json"]).await;
    let again: Value = serde_json::from_str(&again.stdout).unwrap_or_else(|_| panic!("{again:?}"));
    assert_eq!((&again["cors_origins"], &again["domain"]), (&json!(""), &json!("portal.north.example")));
    run(&["account", "update", "--code", "south", "--domain", "portal.north.example"]).await.sentence();
    run(&["account", "update", "--code", "nowhere", "--sso", "on"]).await.sentence();
    let limited =
        run(&["token", "create", "--account", "north", "--admin", "--scopes", "visits:read", "--json"]).await;
    assert_eq!(limited.status.code(), Some(0), "{limited:?}");
    run(&["token", "create", "--account", "north", "--admin", "--scopes", "everything"]).await.sentence();
}

/// A page as SvelteKit builds it.
const INDEX: &str = "<!doctype html><link href=\"/_app/immutable/entry/start.js\" rel=\"modulepreload\"><div id=\"app\">\
    <script>{ __sveltekit_1 = { base: \"\", version: \"b\" }; import(\"/_app/immutable/entry/start.js\"); }</script></div>";

async fn with_pages(settings: &[(&str, &str)]) -> (Kit, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("index.html"), INDEX).unwrap();
    std::fs::create_dir_all(dir.path().join("_app/immutable")).unwrap();
    std::fs::write(dir.path().join("_app/immutable/a.js"), "let a = 1;").unwrap();
    let path = dir.path().to_str().unwrap().to_owned();
    let mut all = vec![("web.dir", path.as_str())];
    all.extend_from_slice(settings);
    (Kit::with(&all).await, dir)
}

#[tokio::test]
async fn api_and_pages_answer_under_every_prefix() {
    let (kit, _dir) = with_pages(&[]).await;
    for prefix in ["//api_v3", "//vc/next/api_v3", "//vc/stable/api_v3"] {
        for path in ["/accounts/-", "/accounts/-.json", "/accounts/northside.json"] {
            assert_eq!(kit.anonymous().get(&format!("{prefix}{path}")).await.data()["code"], "northside");
        }
        kit.portal()
            .form(
                &format!("{prefix}/users/sso.json"),
                &[("first_name", "A"), ("last_name", "B"), ("code", "c")],
            )
            .await
            .ok();
        kit.anonymous().get(&format!("{prefix}/nowhere")).await.refused(404, "not_found");
    }
    assert_eq!(kit.anonymous().get("//vc/nextstable/api_v3/accounts/-").await.status, 404);

    let mut tags = Vec::new();
    for portal in ["", "/vc/next", "/vc/stable"] {
        for page in ["/u/main", "/visits/start/7", "/providers/dashboard", "/", ""] {
            if portal.is_empty() && page.is_empty() {
                continue;
            }
            let answer = kit.anonymous().get(&format!("/{portal}{page}?x=1")).await.ok();
            let script =
                answer.text.split("<script>").nth(1).and_then(|rest| rest.split("</script>").next()).unwrap();
            assert!(script.contains(&format!("base: \"{portal}\"")), "{portal}{page}: {script}");
            let hash = BASE64_STANDARD.encode(Sha256::digest(script.as_bytes()));
            let policy = answer.headers["content-security-policy"].to_str().unwrap();
            assert!(policy.contains(&format!("'sha256-{hash}'")), "{portal}{page}: {policy}");
            tags.push(answer.headers["etag"].clone());
        }
        let file = kit.anonymous().get(&format!("/{portal}/_app/immutable/a.js")).await.ok();
        assert_eq!(file.text, "let a = 1;");
        for unknown in ["/nowhere", "/visits/start", "/providers"] {
            assert_eq!(
                kit.anonymous().get(&format!("/{portal}{unknown}")).await.status,
                404,
                "{portal}{unknown}"
            );
        }
        assert_eq!(kit.anonymous().get(&format!("/{portal}/_app/none.js")).await.status, 404);
    }
    tags.dedup();
    assert_eq!(tags.len(), 3, "another page, another tag: {tags:?}");
}

#[tokio::test]
async fn a_sign_in_keeps_the_portals_path() {
    let kit = Kit::start().await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[]).await;
    for (path, to) in [
        (format!("//vc/next/auth?sso_token={}&next=/u/x", patient.token), "/vc/next/u/x"),
        (
            format!("//vc/stable/auth?next=%2Fvisits%2Fstart%2F7&sso_token={}", patient.token),
            "/vc/stable/visits/start/7",
        ),
        (format!("//vc/next/auth?sso_token={}&next=/vc/next/u/x", patient.token), "/vc/next/u/x"),
        (format!("//vc/next/auth?sso_token={}&next=//evil.example", patient.token), "/vc/next/"),
        (format!("//vc/next/auth?sso_token={}", provider.token), "/vc/next/providers/dashboard"),
        (format!("//auth?sso_token={}&next=/u/x", patient.token), "/u/x"),
    ] {
        let answer = kit.anonymous().get(&path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.headers["location"].to_str().unwrap()),
            (303, to),
            "{path}"
        );
        assert!(answer.headers.contains_key("set-cookie"));
    }
    let bad = kit.anonymous().get("//vc/next/auth?sso_token=nonsense&next=/u/x").await;
    assert_eq!((bad.status.as_u16(), bad.headers.get("location")), (401, None));
}

#[tokio::test]
async fn the_doors_beside_the_api_count_by_address() {
    for (path, open) in [("//auth?sso_token=x", 401), ("//rtc?access_token=x", 401)] {
        let kit = Kit::with(&[("limits.anonymous_per_s", "1"), ("limits.burst_s", "3")]).await;
        let mut limited = 0;
        for _ in 0..20 {
            let answer = kit.anonymous().get(path).await;
            if answer.status == 429 {
                assert!(answer.headers.contains_key("retry-after"), "{path}");
                limited += 1;
            } else {
                assert_eq!(answer.status, open, "{path}");
            }
        }
        assert!((10..=17).contains(&limited), "{path}: {limited}");
        // The API counts apart.
        kit.anonymous().get("/rooms").await.ok();
    }
}

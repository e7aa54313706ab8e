//! Configuration through the doors: prefixes, proxies, secrets in files.

use bedside::config::{self, Sources};
use bedside_tests::kit::Kit;

#[tokio::test]
async fn the_api_answers_under_every_prefix() {
    let kit = Kit::start().await;
    for path in ["//api_v3/rooms", "//vc/next/api_v3/rooms.json", "//vc/stable/api_v3/rooms"] {
        kit.portal().get(path).await.ok();
    }
    let kit = Kit::with(&[("server.prefixes", "/clinic/api")]).await;
    kit.portal().get("//clinic/api/rooms").await.ok();
    assert_eq!(kit.portal().get("//api_v3/rooms").await.status, 404);
}

#[tokio::test]
async fn a_portals_path_never_leads_to_another_site() {
    let kit = Kit::start().await;
    // The door of a sign-in is there too, and knows no such token.
    assert_eq!(kit.anonymous().get("//vc/next/auth?sso_token=abc&next=/u/x").await.status, 401);
    for foreign in ["//vc/next//evil.example", "//vc/next/%5C%5Cevil.example"] {
        let answer = kit.anonymous().get(foreign).await;
        let location = answer.headers.get("location").map(|to| to.to_str().unwrap().to_owned());
        assert!(location.is_none_or(|to| to.starts_with('/') && !to.starts_with("//")), "{foreign}");
    }
}

#[tokio::test]
async fn only_a_trusted_proxy_makes_a_request_secure() {
    let kit = Kit::with(&[("server.trusted_proxies", "127.0.0.0/8")]).await;
    let behind =
        kit.anonymous().header("X-Forwarded-Proto", "https").header("X-Forwarded-Host", "clinic.example");
    assert!(behind.get("//healthz").await.headers.contains_key("strict-transport-security"));
    let kit = Kit::start().await;
    let lying = kit.anonymous().header("X-Forwarded-Proto", "https");
    assert!(!lying.get("//healthz").await.headers.contains_key("strict-transport-security"));
}

#[test]
fn a_file_names_its_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bedside.toml");
    let load = |text: &str| {
        std::fs::write(&path, text).unwrap();
        config::load(&Sources { file: Some(path.clone()), ..Sources::default() }).map_err(|error| error.0)
    };
    assert!(load("[server]\nlisten = \"127.0.0.1:9\"\n").is_ok());
    for (text, named) in [
        ("[server]\nlissten = \"x\"\n", "server.lissten"),
        ("[servr]\n", "servr"),
        ("[server]\nlisten = 5\n", "server.listen"),
        ("[server]\nlisten = \"nowhere\"\n", "listen"),
        ("[server\n", "TOML"),
        ("[server]\npublic_url = \"http://clinic.example\"\n", "server.public_url"),
        ("[server.tls]\ncert_file = \"a.pem\"\n", "server.tls"),
        ("[limits]\nuser_per_s = 0\n", "limits.user_per_s"),
        ("[store]\nurl = \"mysql://x\"\n", "store.url"),
        ("[server]\nprefixes = [\"api\"]\n", "server.prefixes"),
    ] {
        let error = load(text).expect_err(text);
        assert!(error.contains(named) && !error.contains('\n'), "{text}: {error}");
    }
}

#[test]
fn the_store_url_may_lie_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("url");
    std::fs::write(&secret, "postgres://u:p@h/d\n").unwrap();
    let sources = Sources::default().flag("store.url_file", Some(secret.display()));
    assert_eq!(config::load(&sources).unwrap().store.url.expose(), "postgres://u:p@h/d");
}

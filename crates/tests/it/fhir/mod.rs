//! The EHR's door: FHIR R4, read by a program with a token of its own.

mod care;
mod forms;
mod judged;
mod papers;
mod people;

use std::collections::BTreeSet;

use bedside_tests::kit::{Answer, Client, Kit};
use reqwest::Method;
use serde_json::{Value, json};

const MRN: &str = "urn:oid:2.16.840.1.113883.19.5";
const MEDIA_TYPE: &str = "application/fhir+json; charset=utf-8";

async fn read(client: &Client, path: &str) -> Value {
    let answer = client.get(&format!("//fhir/R4/{path}")).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    assert_eq!(answer.headers["content-type"], MEDIA_TYPE, "{path}");
    answer.json()
}

/// The resources of a searchset, by id.
fn found(bundle: &Value) -> Vec<String> {
    assert_eq!((&bundle["resourceType"], &bundle["type"]), (&json!("Bundle"), &json!("searchset")));
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|one| one["resource"]["id"].as_str().unwrap().to_owned()).collect()
}

async fn ids(client: &Client, path: &str) -> Vec<String> {
    found(&read(client, path).await)
}

/// A refusal: its status, and the code and word of its OperationOutcome.
fn refused(answer: &Answer, status: u16, code: &str, word: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.headers["content-type"], MEDIA_TYPE);
    let body = answer.json();
    let issue = &body["issue"][0];
    assert_eq!(
        (&body["resourceType"], &issue["severity"], &issue["code"], &issue["details"]["coding"][0]["code"]),
        (&json!("OperationOutcome"), &json!("error"), &json!(code), &json!(word)),
        "{body}"
    );
}

/// A token of an app with these scopes.
async fn token_of(kit: &Kit, scopes: Value) -> String {
    let app = kit.admin().post("/api_apps", json!({ "name": "EHR", "scopes": scopes })).await.data();
    let path = format!("/api_apps/{}/tokens", app["id"].as_str().unwrap());
    let token = kit.admin().post(&path, json!({ "name": "ehr" })).await.data();
    token["token"].as_str().unwrap().to_owned()
}

/// The app itself, as FHIR's clients send their tokens.
async fn program(kit: &Kit, scopes: Value) -> Client {
    kit.anonymous().header("Authorization", &format!("Bearer {}", token_of(kit, scopes).await))
}

/// Follows `next` to the end.
async fn walk(client: &Client, path: &str) -> (Vec<String>, usize) {
    let (mut all, mut pages) = (Vec::new(), 0);
    let mut path = path.to_owned();
    loop {
        let bundle = read(client, &path).await;
        all.extend(found(&bundle));
        pages += 1;
        let links = bundle["link"].as_array().unwrap();
        let Some(next) = links.iter().find(|link| link["relation"] == "next") else { return (all, pages) };
        let url = next["url"].as_str().unwrap();
        let start = format!("{}/fhir/R4/", client.base());
        path = url.strip_prefix(&start).unwrap_or_else(|| panic!("{url}")).to_owned();
    }
}

#[tokio::test]
async fn only_a_program_with_the_scope_comes_in() {
    let kit = Kit::start().await;
    let patient = kit.patient("maria").await;
    let provider = kit.provider("d-1", &[]).await;
    let token = token_of(&kit, json!(["fhir:read"])).await;
    let ehr = kit.anonymous().header("Authorization", &format!("Bearer {token}"));
    let path = format!("//fhir/R4/Patient/{}", patient.id);
    assert_eq!(read(&ehr, &path[10..]).await["id"], patient.id);
    // The one scope opens this door and no other.
    let same = kit.bearer(&token);
    same.get("/visits").await.refused(403, "scope_missing");
    assert_eq!(read(&same, "Patient").await["total"], 1);
    let other = program(&kit, json!(["users:read", "visits:read"])).await;
    refused(&other.get(&path).await, 403, "forbidden", "scope_missing");
    let anonymous = kit.anonymous().get(&path).await;
    refused(&anonymous, 401, "login", "token_missing");
    assert_eq!(anonymous.headers["www-authenticate"], "Bearer");
    refused(&kit.bearer("0123456789abcdef0123456789abcdef").get(&path).await, 401, "login", "token_unknown");
    for person in [&patient, &provider] {
        refused(&person.client.get(&path).await, 403, "forbidden", "admin_only");
    }
    // Whoever runs the clinic is a person, and has pages.
    kit.admin().post(&format!("/users/{}", provider.id), json!({ "role": "clinic_admin" })).await.ok();
    refused(&provider.client.get(&path).await, 403, "forbidden", "app_only");
    // Another clinic's programs see none of it.
    let south = kit.another_clinic("southside").await;
    let south = kit.admin_of(&south).without("X-AccountCode");
    refused(&south.get(&path).await, 404, "not-found", "resource_not_found");
    assert_eq!(ids(&south, "Patient").await, Vec::<String>::new());
    assert_eq!(ids(&south, "Patient?identifier=maria").await, Vec::<String>::new());
}

#[tokio::test]
async fn everybody_reads_what_the_door_can_do() {
    let kit = Kit::start().await;
    let statement = read(&kit.anonymous(), "metadata").await;
    assert_eq!(
        (&statement["resourceType"], &statement["fhirVersion"]),
        (&json!("CapabilityStatement"), &json!("4.0.1"))
    );
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    let ehr = kit.admin();
    for resource in resources {
        let name = resource["type"].as_str().unwrap();
        let words: BTreeSet<&str> = resource["interaction"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["code"].as_str().unwrap())
            .collect();
        assert_eq!(words, BTreeSet::from(["read", "search-type"]));
        refused(&ehr.get(&format!("//fhir/R4/{name}/nobody")).await, 404, "not-found", "resource_not_found");
        // Every parameter that is named is understood.
        for parameter in resource["searchParam"].as_array().unwrap() {
            let value = match parameter["type"].as_str().unwrap() {
                "date" => "2027-02-01",
                "reference" if parameter["name"] == "patient" => "Patient/1",
                "reference" if parameter["name"] == "schedule" => "Schedule/1",
                "reference" => "Practitioner/1",
                _ => "x",
            };
            let more = if name == "Slot" { "&schedule=Schedule/1" } else { "" };
            let path = format!("{name}?{}={value}{more}", parameter["name"].as_str().unwrap());
            assert_eq!(ids(&ehr, &path).await, Vec::<String>::new(), "{path}");
        }
    }
    assert_eq!(resources.len(), 11);
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused() {
    let kit = Kit::start().await;
    let ehr = kit.admin();
    for (path, field) in [
        ("Patient?family=Santos", "family"),
        ("Patient?_count=0", "_count"),
        ("Patient?_after=xyz", "_after"),
        ("Patient?_format=xml", "_format"),
        ("Appointment?date=tomorrow", "date"),
        ("Appointment?date=ne2027", "date"),
        ("Appointment?patient=Practitioner/1", "patient"),
        ("Appointment?_after=1", "_after"),
        ("Schedule?actor=1", "actor"),
        ("Slot?start=2027", "schedule"),
        ("Slot?schedule=1&start=ge2027&start=lt2028", "start"),
        ("Consent?_after=7", "_after"),
    ] {
        let answer = ehr.get(&format!("//fhir/R4/{path}")).await;
        refused(&answer, 400, "invalid", "invalid_field");
        assert_eq!(answer.json()["issue"][0]["expression"], json!([field]), "{path}");
    }
    refused(&ehr.get("//fhir/R4/Observation").await, 404, "not-found", "resource_unknown");
    refused(&ehr.get("//fhir/R4/Patient/1/_history/1").await, 404, "not-found", "not_found");
    let written = Client::send(ehr.request(Method::POST, "//fhir/R4/Patient").json(&json!({}))).await;
    refused(&written, 405, "not-supported", "method_not_allowed");
    // What says nothing, or what is sent anyhow, is no mistake.
    read(&ehr, "Patient?identifier=&_format=json&_count=7").await;
}

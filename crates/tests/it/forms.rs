//! Forms that a clinic makes itself: drafts, versions that never change, the
//! documented steps on the wire, and questionnaires read in.

use bedside_tests::kit::{Client, Kit};
use reqwest::Method;
use serde_json::{Value, json};

/// A form of two screens with a branch and a score, for a step.
pub fn habits(step: &str) -> Value {
    json!({ "step": step, "title": "Before your visit",
        "schema": { "type": "object", "required": ["smoker", "packs", "interest"], "properties": {
            "smoker": { "type": "boolean" },
            "packs": { "type": "integer", "minimum": 1, "maximum": 60 },
            "interest": { "type": "string", "enum": ["never", "some_days", "daily"] },
            "symptoms": { "type": "array", "items": { "type": "string", "enum": ["cough", "fever"] }, "uniqueItems": true },
            "since": { "type": "string", "format": "date" },
            "note": { "type": "string", "maxLength": 40 },
            "photo": { "type": "string", "format": "file" } } },
        "ui": { "language": "en", "sections": [
            { "code": "habits", "title": { "en": "Habits", "es": "Hábitos" }, "fields": [
                { "key": "smoker", "label": { "en": "Do you smoke?", "es": "¿Fuma?" } },
                { "key": "packs", "label": "Packs a week", "when": { "all": [{ "field": "smoker", "op": "=", "value": true }] } }] },
            { "code": "mood", "title": "Mood", "fields": [
                { "key": "interest", "label": "Little interest?", "options": [
                    { "value": "never", "label": { "en": "Never", "es": "Nunca" } },
                    { "value": "some_days", "label": "Some days" }, { "value": "daily", "label": "Every day" }] },
                { "key": "symptoms", "label": "What troubles you?" },
                { "key": "since", "label": "Since when?", "when": { "any": [
                    { "field": "symptoms", "op": "exists", "value": true }, { "field": "interest", "op": "=", "value": "daily" }] } },
                { "key": "note", "widget": "textarea" }, { "key": "photo", "label": "A picture" }] }],
            "scores": [{ "code": "risk", "name": "Risk", "weights": {
                    "interest": { "some_days": 1, "daily": 2 }, "smoker": { "true": 1 }, "packs": 1 },
                "bands": [{ "code": "low", "name": "Low", "from": 0, "to": 2 }, { "code": "high", "name": "High", "from": 3, "to": 200 }] }] } })
}

pub fn id(of: &Value) -> &str {
    of["id"].as_str().unwrap()
}

/// A form that is asked for.
pub async fn published(admin: &Client, body: Value) -> String {
    let made = admin.post("/forms", body).await.data();
    admin.post(&format!("/forms/{}/publish", id(&made)), json!({})).await.data();
    id(&made).to_owned()
}

#[tokio::test]
async fn a_form_is_drafted_published_and_never_changed() {
    let kit = Kit::start().await;
    let (admin, patient) = (kit.admin(), kit.patient("maria").await);
    let made = admin.post("/forms", habits("intake")).await.data();
    let path = format!("/forms/{}", id(&made));
    assert_eq!(
        (&made["published"], &made["live"], &made["draft"]["revision"]),
        (&Value::Null, &json!(false), &json!(1))
    );
    patient.client.get(&path).await.refused(404, "form_not_found");
    assert_eq!(patient.client.get("/forms").await.json()["total"], 0);
    let first = admin.post(&format!("{path}/publish"), json!({})).await.data();
    assert_eq!((&first["published"]["version"], &first["live"]), (&json!(1), &json!(true)));
    assert_eq!(admin.post(&format!("{path}/publish"), json!({})).await.data(), first, "the same is none");
    // Two who work on it do not overwrite one another.
    let changed = admin.post(&path, json!({ "revision": 1, "title": "About you" })).await.data();
    assert_eq!((&changed["draft"]["title"], &changed["draft"]["revision"]), (&json!("About you"), &json!(2)));
    let refused =
        admin.post(&path, json!({ "revision": 1, "title": "Mine" })).await.refused(400, "form_changed");
    assert_eq!(refused["revision"], 2);
    // What was published stays, before and after the next version.
    let seen = patient.client.get(&path).await.data();
    assert_eq!((&seen["published"]["title"], &seen["draft"]), (&json!("Before your visit"), &Value::Null));
    let second = admin.post(&format!("{path}/publish"), json!({})).await.data();
    assert_eq!(second["published"]["version"], 2);
    assert_eq!(patient.client.get(&format!("{path}/versions/1")).await.data(), first["published"]);
    assert_eq!(patient.client.get(&format!("{path}/versions/2")).await.data(), second["published"]);
    for missing in ["3", "0", "x"] {
        let missing = format!("{path}/versions/{missing}");
        patient.client.get(&missing).await.refused(404, "form_version_not_found");
    }
    let rows = patient.client.get("/forms?limit=1").await.json();
    assert_eq!((&rows["data"][0]["version"], &rows["data"][0]["live"]), (&json!(2), &json!(true)));
    patient.client.post("/forms", habits("intake")).await.refused(403, "admin_only");
    let other = kit.another_clinic("southside").await;
    kit.admin_of(&other).get(&path).await.refused(404, "form_not_found");
}

#[tokio::test]
async fn what_is_not_understood_is_refused_with_its_path() {
    let kit = Kit::start().await;
    let admin = kit.admin();
    let with = |pointer: &str, value: Value| {
        let mut body = habits("intake");
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[key] = value;
        body
    };
    for (pointer, value, field) in [
        ("/step", json!("lunch"), "step"),
        ("/title", json!(" "), "title"),
        ("/schema/properties/packs/multipleOf", json!(2), "schema.properties.packs.multipleOf"),
        ("/schema/properties/note/$ref", json!("http://example.org"), "schema.properties.note.$ref"),
        ("/ui/theme", json!("dark"), "ui.theme"),
        (
            "/ui/sections/0/fields/0/when",
            json!({ "all": [{ "field": "packs", "op": ">", "value": 1 }] }),
            "ui.sections[0].fields[0].when.all[0].field",
        ),
    ] {
        let refused = admin.post("/forms", with(pointer, value)).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{field}: {refused}");
    }
    assert_eq!(admin.get("/forms").await.json()["total"], 0);
}

#[tokio::test]
async fn what_is_published_are_the_clinics_steps() {
    let kit = Kit::start().await;
    let admin = kit.admin();
    let steps = async || kit.anonymous().get("/accounts/northside").await.data();
    let by_hand = json!([{ "code": "own", "name": "By hand", "sections": [] }]);
    admin.post("/accounts/-", json!({ "intake_steps": by_hand })).await.ok();
    let first = published(&admin, habits("intake")).await;
    let shown = steps().await;
    let shown = &shown["intake_steps"];
    assert_eq!(
        (&shown[0]["code"], &shown[0]["name"], &shown[0]["next"]["title"]),
        (&json!("habits"), &json!("Habits"), &json!("Continue"))
    );
    assert_eq!(shown[0]["form"], json!({ "id": first, "version": 1 }));
    let section = &shown[0]["sections"][0];
    assert_eq!(
        section["schema"]["smoker"],
        json!({ "type": "boolean", "required": true, "allowedEmpty": false })
    );
    // Whoever knows nothing of branching gets past what may be hidden.
    assert_eq!(section["schema"]["packs"]["required"], false);
    assert_eq!(
        section["form"][0],
        json!({ "key": "smoker", "placeholder": "Do you smoke?", "type": "checkbox" })
    );
    assert_eq!(shown[1]["sections"][0]["schema"]["note"]["maxLength"], 40);
    assert_eq!(shown[1]["sections"][0]["schema"]["photo"]["type"], "file");
    // Another form takes its place, and after that the steps by hand are back.
    let mut other = habits("intake");
    other["ui"]["sections"][0]["code"] = json!("other");
    let second = published(&admin, other).await;
    assert_eq!(steps().await["intake_steps"][0]["code"], "other");
    assert_eq!(admin.get(&format!("/forms/{first}")).await.data()["live"], false);
    let retired = Client::send(admin.request(Method::DELETE, &format!("/forms/{second}"))).await.data();
    assert_eq!(retired["live"], false);
    assert_eq!(steps().await["intake_steps"], by_hand);
    for (step, pointer) in [
        ("sign_up", "/states/signup/signup"),
        ("post_intake", "/post_intake_steps"),
        ("post_call", "/post_call_steps"),
    ] {
        published(&admin, habits(step)).await;
        assert_eq!(steps().await.pointer(pointer).unwrap()[1]["code"], "mood", "{step}");
    }
}

/// PHQ-2 with a question that branches, as an EHR has it.
pub fn questionnaire() -> Value {
    let option = |code: &str, display: &str, weight: i64| {
        json!({ "valueCoding": { "system": "http://loinc.org", "code": code, "display": display },
            "extension": [{ "url": "http://hl7.org/fhir/StructureDefinition/ordinalValue", "valueDecimal": weight }] })
    };
    let options =
        json!([option("LA6568-5", "Not at all", 0), option("LA6570-1", "More than half the days", 2)]);
    json!({ "resourceType": "Questionnaire", "status": "active", "title": "PHQ-2", "url": "http://example.org/phq2",
        "language": "en", "item": [
        { "linkId": "/44250-9", "type": "choice", "text": "Little interest", "required": true, "answerOption": options,
            "code": [{ "system": "http://loinc.org", "code": "44250-9" }] },
        { "linkId": "more", "type": "group", "text": "More", "enableBehavior": "any", "enableWhen": [
                { "question": "/44250-9", "operator": "=", "answerCoding": { "system": "http://loinc.org", "code": "LA6570-1" } },
                { "question": "/44250-9", "operator": "exists", "answerBoolean": false }], "item": [
            { "linkId": "weeks", "type": "integer", "text": "For how many weeks?" },
            { "linkId": "why", "type": "text", "maxLength": 200, "enableWhen": [
                { "question": "weeks", "operator": ">", "answerInteger": 4 }] },
            { "linkId": "scan", "type": "attachment" }] }] })
}

#[tokio::test]
async fn a_questionnaire_becomes_a_form_or_is_refused_with_its_link_id() {
    let kit = Kit::start().await;
    let admin = kit.admin();
    let body = json!({ "step": "post_call", "questionnaire": questionnaire() });
    let made = admin.post("/forms/import", body.clone()).await.data();
    assert_eq!((&made["draft"]["title"], &made["step"]), (&json!("PHQ-2"), &json!("post_call")));
    assert_eq!(made["draft"]["ui"]["scores"][0]["weights"]["_44250-9"]["LA6570-1"], 2);
    assert_eq!(made["draft"]["schema"]["required"], json!(["_44250-9"]));
    // The form that was made is taken again as one.
    let again = json!({ "step": "intake", "title": "Copy", "schema": made["draft"]["schema"], "ui": made["draft"]["ui"] });
    assert_eq!(admin.post("/forms", again).await.data()["draft"]["ui"], made["draft"]["ui"]);
    for (pointer, value, field) in [
        ("/questionnaire/item/1/item/0/type", json!("quantity"), "item(weeks)"),
        ("/questionnaire/item/1/item/2/initial", json!([]), "item(scan).initial"),
        ("/questionnaire/contained", json!([{}]), "questionnaire.contained"),
        ("/questionnaire/resourceType", json!("Patient"), "questionnaire.resourceType"),
    ] {
        let mut sent = body.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        sent.pointer_mut(parent).unwrap()[key] = value;
        let refused = admin.post("/forms/import", sent).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{field}: {refused}");
    }
    kit.patient("tom").await.client.post("/forms/import", body).await.refused(403, "admin_only");
}

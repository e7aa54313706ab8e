//! Questionnaires and the answers to them.

use bedside_tests::kit::{Kit, Person};
use serde_json::{Value, json};

use super::{ids, read, refused, walk};
use crate::forms::{habits, id, published, questionnaire};

/// A form of our own and one that was imported, each answered by the patient;
/// their ids, and those of the answers.
pub async fn forms(kit: &Kit, patient: &Person) -> (Vec<String>, Vec<String>) {
    let admin = kit.admin();
    let own = published(&admin, habits("sign_up")).await;
    let body = json!({ "step": "post_intake", "questionnaire": questionnaire() });
    let imported = id(&admin.post("/forms/import", body).await.data()).to_owned();
    admin.post(&format!("/forms/{imported}/publish"), json!({})).await.ok();
    let visit = patient.walk_in("main").await.id;
    let mut given = Vec::new();
    for (form, target, answers) in [
        (
            &own,
            json!({}),
            json!({ "smoker": true, "packs": 7, "interest": "daily", "symptoms": ["cough"], "since": "2027-01-02" }),
        ),
        (
            &imported,
            json!({ "visit_id": visit }),
            json!({ "_44250-9": "LA6570-1", "weeks": 6, "why": "Work" }),
        ),
    ] {
        let begun = patient.client.post(&format!("/forms/{form}/answers"), target).await.data();
        let path = format!("/form_answers/{}", id(&begun));
        patient.client.post(&path, json!({ "version": 1, "answers": answers })).await.ok();
        given.push(id(&begun).to_owned());
    }
    let path = format!("/form_answers/{}/complete", given[1]);
    patient.client.post(&path, json!({ "version": 2 })).await.ok();
    (vec![own, imported], given)
}

#[tokio::test]
async fn questionnaires_and_their_answers() {
    let kit = Kit::start().await;
    kit.room("main").await;
    let (admin, maria) = (kit.admin(), kit.patient("maria").await);
    let (forms, given) = forms(&kit, &maria).await;
    let draft = id(&admin.post("/forms", habits("intake")).await.data()).to_owned();
    // What was imported comes out as it went in.
    let shown = read(&admin, &format!("Questionnaire/{}", forms[1])).await;
    let sent = questionnaire();
    for element in ["item", "url", "title", "language", "status"] {
        assert_eq!(shown[element], sent[element], "{element}");
    }
    assert_eq!(shown["version"], "1");
    assert_eq!(ids(&admin, "Questionnaire?status=active").await, forms);
    assert_eq!(ids(&admin, "Questionnaire?status=draft").await, std::slice::from_ref(&draft));
    assert_eq!(walk(&admin, "Questionnaire?_count=1").await, ([forms.clone(), vec![draft]].concat(), 3));
    let response = read(&admin, &format!("QuestionnaireResponse/{}", given[1])).await;
    assert_eq!(
        (&response["status"], &response["questionnaire"]),
        (&json!("completed"), &json!("http://example.org/phq2|1"))
    );
    assert_eq!(response["subject"]["reference"], format!("Patient/{}", maria.id));
    assert!(response["encounter"]["reference"].as_str().unwrap().starts_with("Encounter/"));
    let coding =
        json!({ "system": "http://loinc.org", "code": "LA6570-1", "display": "More than half the days" });
    assert_eq!(
        response["item"][0],
        json!({ "linkId": "/44250-9", "text": "Little interest", "answer": [{ "valueCoding": coding }] })
    );
    let more: Vec<&Value> =
        response["item"][1]["item"].as_array().unwrap().iter().map(|one| &one["answer"]).collect();
    assert_eq!(more, [&json!([{ "valueInteger": 6 }]), &json!([{ "valueString": "Work" }])]);
    let own = read(&admin, &format!("QuestionnaireResponse/{}", given[0])).await;
    assert_eq!((&own["status"], &own["encounter"]), (&json!("in-progress"), &Value::Null));
    assert_eq!(own["item"][0]["item"][0]["answer"], json!([{ "valueBoolean": true }]));
    // Searches.
    assert_eq!(walk(&admin, "QuestionnaireResponse?_count=1").await, (given.clone(), 2));
    let none: Vec<String> = Vec::new();
    for (query, found) in [
        (format!("patient=Patient/{}", maria.id), &given[..]),
        ("status=completed".to_owned(), &given[1..]),
        ("status=in-progress".to_owned(), &given[..1]),
        ("status=amended".to_owned(), &none[..]),
        (format!("questionnaire=Questionnaire/{}", forms[0]), &given[..1]),
        ("questionnaire=http://example.org/phq2".to_owned(), &given[1..]),
        ("questionnaire=http://example.org/gad7".to_owned(), &none[..]),
        (format!("patient={}&questionnaire={}&status=completed", maria.id, forms[1]), &given[1..]),
        (format!("patient={}&_id={}", kit.patient("tom").await.id, given[0]), &none[..]),
    ] {
        assert_eq!(ids(&admin, &format!("QuestionnaireResponse?{query}")).await, found, "{query}");
    }
    refused(&admin.get("//fhir/R4/QuestionnaireResponse?_after=x").await, 400, "invalid", "invalid_field");
    let south = kit.another_clinic("southside").await;
    let south = kit.admin_of(&south);
    for path in [format!("Questionnaire/{}", forms[0]), format!("QuestionnaireResponse/{}", given[0])] {
        refused(&south.get(&format!("//fhir/R4/{path}")).await, 404, "not-found", "resource_not_found");
    }
    assert_eq!(ids(&south, "QuestionnaireResponse").await, none);
}

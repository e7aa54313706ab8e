//! Consent (hl7.org/fhir/R4/consent.html): somebody's consent to a version of a
//! document of the clinic.

use bedside_app::fhir;
use bedside_model::consent::TOS;
use bedside_store::consents::Given;
use serde_json::{Value, json};

use super::{
    Resource,
    search::{By, Parameter},
    write::{Writer, reference},
};

pub(super) const RESOURCE: Resource = Resource {
    name: "Consent",
    about: "What people agreed to: active while the clinic asks for this version, inactive after.",
    parameters: &[
        Parameter { name: "patient", by: By::Patient, about: "For whom it was given." },
        Parameter { name: "date", by: By::Date, about: "When it was given." },
        Parameter { name: "status", by: By::Status, about: "active or inactive." },
    ],
    find: |app, actor, ask, _| {
        Box::pin(async move { Ok(fhir::list_consents(app, actor, ask).await?.map(|row| write(&row))) })
    },
};

fn write(given: &Given) -> Value {
    let row = &given.consent;
    let mut consent = Writer::new(RESOURCE.name, &row.id, Some(row.created_at));
    consent.set("status", if given.is_current { "active" } else { "inactive" });
    let (code, display) =
        if given.kind == TOS { ("patient-privacy", "Privacy Consent") } else { ("treatment", "Treatment") };
    let system = "http://terminology.hl7.org/CodeSystem/consentscope";
    consent.set("scope", json!({ "coding": [{ "system": system, "code": code, "display": display }] }));
    // LOINC's "Consent Document".
    let category = json!({ "system": "http://loinc.org", "code": "59284-0", "display": "Consent Document" });
    consent.set("category", json!([{ "coding": [category], "text": given.kind }]));
    consent.set("patient", reference("Patient", row.user, ""));
    consent.at("dateTime", Some(row.created_at));
    consent.set("performer", json!([reference("Patient", row.given_by, "")]));
    consent.set("sourceReference", reference("DocumentReference", &row.file, ""));
    consent.set("policyRule", json!({ "text": format!("{}, version {}", given.title, row.version) }));
    consent.done()
}

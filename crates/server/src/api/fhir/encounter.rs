//! Encounter (hl7.org/fhir/R4/encounter.html): every visit, from the waiting
//! room or the calendar to its end.

use bedside_app::fhir::{self, CareView};
use bedside_model::{
    fhir::instant,
    visit::{Kind, Subtype},
};
use serde_json::{Map, Value, json};

use super::{
    Resource,
    search::{By, Parameter},
    write::{Writer, identifiers, reference},
};

pub(super) const RESOURCE: Resource = Resource {
    name: "Encounter",
    about: "Visits of all kinds, by their planned begin.",
    parameters: &[
        Parameter { name: "identifier", by: By::Identifier, about: "What another system calls the visit." },
        Parameter { name: "date", by: By::Date, about: "The planned begin; of a walk-in, when it came." },
        Parameter {
            name: "status",
            by: By::Status,
            about: "planned, arrived, in-progress, finished or cancelled.",
        },
        Parameter { name: "patient", by: By::Patient, about: "Whose visit it is." },
    ],
    find: |app, actor, ask, _| {
        Box::pin(async move { Ok(fhir::list_encounters(app, actor, ask).await?.map(|row| write(&row))) })
    },
};

/// Where they met (v3 `ActEncounterCode`).
const fn class(subtype: Subtype) -> (&'static str, &'static str) {
    match subtype {
        Subtype::InPerson => ("AMB", "ambulatory"),
        Subtype::Phone | Subtype::Video | Subtype::EConsult => ("VR", "virtual"),
    }
}

fn write(view: &CareView) -> Value {
    let row = &view.row;
    let mut encounter = Writer::new(RESOURCE.name, row.id, Some(row.updated_at));
    encounter.set("identifier", identifiers(&view.identifiers));
    encounter.set("status", view.encounter.as_str());
    let (code, display) = class(row.plan.subtype);
    let system = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
    encounter.set("class", json!({ "system": system, "code": code, "display": display }));
    let name = format!("{} {}", row.member.first_name, row.member.last_name);
    encounter.set("subject", reference("Patient", row.member.id, &name));
    if let Some(provider) = &row.provider {
        let name = format!("{} {}", provider.first_name, provider.last_name);
        encounter
            .set("participant", json!([{ "individual": reference("Practitioner", provider.id, &name) }]));
    }
    if row.plan.kind == Kind::Scheduled {
        encounter.set("appointment", json!([reference("Appointment", row.id, "")]));
    }
    let mut period = Map::new();
    let times = [("start", row.state.actual_start_at), ("end", row.state.actual_end_at)];
    for (name, at) in times {
        // Called off before it began, it has an end without a begin: no period.
        if let Some(text) = at.filter(|_| row.state.actual_start_at.is_some()).and_then(instant) {
            period.insert(name.to_owned(), text.into());
        }
    }
    encounter.set("period", period);
    let (room, _, _, room_name) = &row.room;
    encounter.set("location", json!([{ "location": reference("Location", room, room_name) }]));
    encounter.done()
}

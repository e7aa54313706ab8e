//! Appointment (hl7.org/fhir/R4/appointment.html): scheduled visits. R4 has no
//! place for a video link; the cross-version extension of R5's `virtualService`
//! is one (hl7.org/fhir/uv/xver-r5.r4, ext-R5-Appointment.virtualService).

use bedside_app::fhir::{self, CareView};
use bedside_model::visit::Status;
use serde_json::{Value, json};

use super::{
    Resource,
    search::{By, Parameter},
    write::{Writer, identifiers, reference},
};

const VIRTUAL_SERVICE: &str =
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.virtualService";

pub(super) const RESOURCE: Resource = Resource {
    name: "Appointment",
    about: "Scheduled visits, by their begin. While the video call of one may be entered, the extension \
            virtualService says where.",
    parameters: &[
        Parameter {
            name: "identifier",
            by: By::Identifier,
            about: "What another system calls the appointment.",
        },
        Parameter { name: "date", by: By::Date, about: "The planned begin." },
        Parameter {
            name: "status",
            by: By::Status,
            about: "pending, booked, arrived, fulfilled, cancelled or noshow.",
        },
        Parameter { name: "patient", by: By::Patient, about: "Whose appointment it is." },
    ],
    find: |app, actor, ask, _| {
        Box::pin(async move { Ok(fhir::list_appointments(app, actor, ask).await?.map(|row| write(&row))) })
    },
};

fn write(view: &CareView) -> Value {
    let row = &view.row;
    let mut appointment = Writer::new(RESOURCE.name, row.id, Some(row.updated_at));
    if let Some(url) = &view.video_url {
        appointment.set("extension", json!([virtual_service(url.reveal())]));
    }
    appointment.set("identifier", identifiers(&view.identifiers));
    appointment.set("status", view.appointment.as_str());
    appointment.set("description", row.description.trim());
    appointment.at("start", Some(row.plan.start_at));
    appointment.at("end", Some(row.plan.end_at));
    let minutes = (row.plan.end_at.0 - row.plan.start_at.0) / 60_000;
    appointment.set("minutesDuration", Some(minutes).filter(|minutes| *minutes > 0));
    appointment.at("created", Some(row.created_at));
    appointment.set("participant", participants(view));
    appointment.done()
}

fn participants(view: &CareView) -> Vec<Value> {
    let row = &view.row;
    let name = |first: &str, last: &str| format!("{first} {last}");
    let patient = reference("Patient", row.member.id, &name(&row.member.first_name, &row.member.last_name));
    let mut all = vec![json!({ "actor": patient, "required": "required", "status": "accepted" })];
    if let Some(provider) = row.provider.as_ref().or(row.requested_provider.as_ref()) {
        let who = reference("Practitioner", provider.id, &name(&provider.first_name, &provider.last_name));
        let status = if row.state.status == Status::Pending { "needs-action" } else { "accepted" };
        all.push(json!({ "actor": who, "required": "required", "status": status }));
    }
    let (room, _, _, room_name) = &row.room;
    all.push(json!({ "actor": reference("Location", room, room_name), "status": "accepted" }));
    all
}

fn virtual_service(url: &str) -> Value {
    json!({
        "url": VIRTUAL_SERVICE,
        "extension": [
            // The package wants it said what the parts together are.
            { "url": "_datatype", "valueString": "VirtualServiceDetail" },
            { "url": "channelType", "valueCoding": { "code": "bedside", "display": "Bedside video visit" } },
            { "url": "address", "valueUrl": url },
        ],
    })
}

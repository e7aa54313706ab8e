//! Location (hl7.org/fhir/R4/location.html): a waiting room is one.

use bedside_app::fhir;
use bedside_model::identifier::ROOM_SYSTEM;
use bedside_store::rooms::Room;
use serde_json::{Value, json};

use super::{
    Resource,
    search::{By, Parameter},
    write::Writer,
};

pub(super) const RESOURCE: Resource = Resource {
    name: "Location",
    about: "Waiting rooms.",
    parameters: &[
        Parameter {
            name: "identifier",
            by: By::Identifier,
            about: "The room's code (urn:bedside:room-code).",
        },
        Parameter {
            name: "status",
            by: By::Status,
            about: "active, or inactive for a room that is switched off.",
        },
    ],
    find: |app, actor, ask, _| {
        Box::pin(async move { Ok(fhir::list_locations(app, actor, ask).await?.map(|row| write(&row))) })
    },
};

fn write(room: &Room) -> Value {
    let mut location = Writer::new(RESOURCE.name, room.id, Some(room.updated_at));
    location.set("identifier", json!([{ "use": "usual", "system": ROOM_SYSTEM, "value": room.code }]));
    location.set("status", if room.active { "active" } else { "inactive" });
    location.set("name", room.name.trim());
    location.set("description", room.description.trim());
    location.set("mode", "instance");
    // A place that care reaches by wire (v3 RoleCode).
    let code = "http://terminology.hl7.org/CodeSystem/location-physical-type";
    location
        .set("physicalType", json!({ "coding": [{ "system": code, "code": "vi", "display": "Virtual" }] }));
    location.done()
}

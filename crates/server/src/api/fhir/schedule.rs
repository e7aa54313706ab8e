//! Schedule (hl7.org/fhir/R4/schedule.html): one rule by which a provider can
//! be booked in a room.

use bedside_app::fhir;
use bedside_model::fhir::instant;
use bedside_store::slots::{SlotRule, When};
use serde_json::{Map, Value, json};

use super::{
    Resource,
    search::{By, Parameter},
    write::{Writer, reference},
};

pub(super) const RESOURCE: Resource = Resource {
    name: "Schedule",
    about: "Rules by which providers can be booked. Their free times are the Slots.",
    parameters: &[Parameter { name: "actor", by: By::Actor, about: "A Practitioner, or a Location." }],
    find: |app, actor, ask, _| {
        Box::pin(async move { Ok(fhir::list_schedules(app, actor, ask).await?.map(|row| write(&row))) })
    },
};

fn write(rule: &SlotRule) -> Value {
    let mut schedule = Writer::new(RESOURCE.name, rule.id, Some(rule.updated_at));
    schedule.set("active", true);
    let actors = [reference("Practitioner", rule.provider, ""), reference("Location", rule.room, "")];
    schedule.set("actor", actors.to_vec());
    let (start, end) = match &rule.when {
        When::Once(span) => (instant(span.start), instant(span.end)),
        When::Weekly { from, until, .. } => (Some(from.to_string()), until.map(|day| day.to_string())),
    };
    let mut horizon = Map::new();
    for (name, at) in [("start", start), ("end", end)] {
        horizon.extend(at.map(|text| (name.to_owned(), json!(text))));
    }
    schedule.set("planningHorizon", horizon);
    schedule.done()
}

//! Slot (hl7.org/fhir/R4/slot.html): a time that can be booked now.

use bedside_app::fhir::{self, FreeSlot};
use serde_json::Value;

use super::{
    Resource,
    search::{By, Parameter},
    write::{Writer, reference},
};

pub(super) const RESOURCE: Resource = Resource {
    name: "Slot",
    about: "Free times of a Schedule; of the next seven days when the search names no end. What is taken is \
            not there.",
    parameters: &[
        Parameter { name: "schedule", by: By::Schedule, about: "Whose free times; required without _id." },
        Parameter { name: "start", by: By::Date, about: "The begin; at most 62 days at once." },
        Parameter { name: "status", by: By::Status, about: "free; anything else finds nothing." },
    ],
    find: |app, actor, ask, _| {
        Box::pin(async move { Ok(fhir::list_slots(app, actor, ask).await?.map(|row| write(&row))) })
    },
};

fn write(free: &FreeSlot) -> Value {
    let mut slot = Writer::new(RESOURCE.name, free.id(), None);
    slot.set("schedule", reference("Schedule", free.schedule, ""));
    slot.set("status", "free");
    slot.at("start", Some(free.span.start));
    slot.at("end", Some(free.span.end));
    slot.done()
}

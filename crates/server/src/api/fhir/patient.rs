//! Patient (hl7.org/fhir/R4/patient.html).

use bedside_app::fhir::{self, PersonView};
use bedside_model::fhir::{gender, is_active};
use serde_json::Value;

use super::{
    Resource,
    search::{By, Parameter},
    write::{Writer, person, person_identifiers},
};

pub(super) const RESOURCE: Resource = Resource {
    name: "Patient",
    about: "Registered patients. A patient without a log-in is read by the reference of their visit.",
    parameters: &[Parameter {
        name: "identifier",
        by: By::Identifier,
        about: "The integrator's own code (urn:bedside:user-code), or another system's number.",
    }],
    find: |app, actor, ask, _| {
        Box::pin(async move { Ok(fhir::list_patients(app, actor, ask).await?.map(|row| write(&row))) })
    },
};

fn write(view: &PersonView) -> Value {
    let (user, profile) = (&view.user, view.user.profile.reveal());
    let mut patient = Writer::new(RESOURCE.name, user.id, Some(user.updated_at));
    patient.set("identifier", person_identifiers(user.code.reveal(), &view.identifiers));
    patient.set("active", is_active(user.status));
    person(&mut patient, profile);
    patient.set("gender", gender(profile.gender));
    patient.done()
}

//! Practitioner (hl7.org/fhir/R4/practitioner.html).

use bedside_app::fhir::{self, PersonView};
use bedside_model::fhir::{gender, is_active};
use serde_json::Value;

use super::{
    Resource,
    search::{By, Parameter},
    write::{Writer, person, person_identifiers},
};

pub(super) const RESOURCE: Resource = Resource {
    name: "Practitioner",
    about: "Providers.",
    parameters: &[Parameter {
        name: "identifier",
        by: By::Identifier,
        about: "The integrator's own code (urn:bedside:user-code), or another system's number.",
    }],
    find: |app, actor, ask, _| {
        Box::pin(async move { Ok(fhir::list_practitioners(app, actor, ask).await?.map(|row| write(&row))) })
    },
};

fn write(view: &PersonView) -> Value {
    let (user, profile) = (&view.user, view.user.profile.reveal());
    let mut practitioner = Writer::new(RESOURCE.name, user.id, Some(user.updated_at));
    practitioner.set("identifier", person_identifiers(user.code.reveal(), &view.identifiers));
    practitioner.set("active", is_active(user.status));
    person(&mut practitioner, profile);
    practitioner.set("gender", gender(profile.gender));
    practitioner.done()
}

//! DocumentReference (hl7.org/fhir/R4/documentreference.html): a patient's file.

use bedside_app::{fhir, files::FileView};
use bedside_model::{fhir::instant, user::UserType};
use serde_json::{Value, json};

use super::{
    super::{BaseUrl, files::address},
    Resource,
    search::{By, Parameter},
    write::{Writer, reference},
};

pub(super) const RESOURCE: Resource = Resource {
    name: "DocumentReference",
    about: "Documents of patients: what came with a visit, notes that were sent, consents. No photos, and \
            nothing of a conversation. The content's address works for a quarter of an hour.",
    parameters: &[
        Parameter { name: "patient", by: By::Patient, about: "Whose document it is." },
        Parameter { name: "date", by: By::Date, about: "When it was put in." },
        Parameter { name: "status", by: By::Status, about: "current; anything else finds nothing." },
    ],
    find: |app, actor, ask, base| {
        Box::pin(async move { Ok(fhir::list_documents(app, actor, ask).await?.map(|row| write(&row, base))) })
    },
};

fn write(view: &FileView, base: &BaseUrl) -> Value {
    let file = &view.file;
    let mut document = Writer::new(RESOURCE.name, &file.id, Some(file.updated_at));
    document.set("status", "current");
    document.set("subject", reference("Patient", file.person, ""));
    document.at("date", Some(file.created_at));
    if let Some(category) = file.category {
        document.set("category", json!([{ "text": category.as_str().replace('_', " ") }]));
    }
    let author = view.creator.as_ref().and_then(|creator| {
        let kind = match creator.kind {
            UserType::Provider => "Practitioner",
            UserType::Member | UserType::Guest => "Patient",
            _ => return None,
        };
        Some(reference(kind, creator.id, creator.full_name.reveal()))
    });
    document.set("author", author.into_iter().collect::<Vec<_>>());
    document.set("description", view.name.reveal().as_str());
    let mut attachment = json!({
        "contentType": file.kind.media_type(),
        "url": address(&view.link, base),
        "size": file.size_bytes,
        "title": view.name.reveal(),
    });
    if let Some(at) = instant(file.created_at) {
        attachment["creation"] = at.into();
    }
    document.set("content", json!([{ "attachment": attachment }]));
    if let Some(visit) = file.visit {
        document.set("context", json!({ "encounter": [reference("Encounter", visit, "")] }));
    }
    document.done()
}

//! QuestionnaireResponse (hl7.org/fhir/R4/questionnaireresponse.html): what
//! somebody answered in a form.

use bedside_app::fhir::{self, ResponseView};
use serde_json::{Value, json};

use super::{
    super::BaseUrl,
    ROOT, Resource,
    questionnaire::canonical,
    search::{By, Parameter},
    write::{Writer, reference},
};

pub(super) const RESOURCE: Resource = Resource {
    name: "QuestionnaireResponse",
    about: "What patients answered, each in the version of the form that it was given to.",
    parameters: &[
        Parameter { name: "patient", by: By::Patient, about: "Whose answers." },
        Parameter { name: "questionnaire", by: By::Questionnaire, about: "To which Questionnaire." },
        Parameter { name: "status", by: By::Status, about: "in-progress or completed." },
    ],
    find: |app, actor, ask, base| {
        Box::pin(
            async move { Ok(fhir::list_responses(app, actor, ask).await?.map(|view| write(&view, base))) },
        )
    },
};

fn write(view: &ResponseView, base: &BaseUrl) -> Value {
    let (row, form) = (&view.answers.row, &view.answers.form);
    let mut resource = Writer::new(RESOURCE.name, &row.id, Some(row.updated_at));
    resource.set("questionnaire", format!("{}|{}", canonical(base, &row.form, form), row.form_version));
    resource.set("status", if row.completed_at.is_some() { "completed" } else { "in-progress" });
    resource.set("subject", reference("Patient", row.member, ""));
    if let Some(visit) = view.visit {
        resource.set("encounter", reference("Encounter", visit, ""));
    }
    resource.at("authored", Some(row.completed_at.unwrap_or(row.updated_at)));
    let file = |id: &str| json!({ "url": format!("{}{ROOT}/DocumentReference/{id}", base.0) });
    resource.set("item", form.response(&view.answers.content.reveal().answers, &file));
    resource.done()
}

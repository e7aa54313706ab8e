//! Questionnaire (hl7.org/fhir/R4/questionnaire.html): a form of the clinic in
//! its newest version.

use bedside_app::fhir::{self, QuestionnaireView};
use serde_json::{Value, json};

use super::{
    super::BaseUrl,
    ROOT, Resource,
    search::{By, Parameter},
    write::Writer,
};

pub(super) const RESOURCE: Resource = Resource {
    name: "Questionnaire",
    about: "Forms of the clinic in their newest versions: active while asked for, retired after, draft before.",
    parameters: &[Parameter { name: "status", by: By::Status, about: "draft, active or retired." }],
    find: |app, actor, ask, base| {
        Box::pin(async move {
            Ok(fhir::list_questionnaires(app, actor, ask).await?.map(|view| write(&view, base)))
        })
    },
};

/// The canonical address of a form: the one it was imported with, else ours.
pub(super) fn canonical(base: &BaseUrl, id: &str, form: &bedside_model::form::Form) -> String {
    form.url.clone().unwrap_or_else(|| format!("{}{ROOT}/Questionnaire/{id}", base.0))
}

fn write(view: &QuestionnaireView, base: &BaseUrl) -> Value {
    let mut resource = Writer::new(RESOURCE.name, &view.row.id, Some(view.row.updated_at));
    resource.set("language", view.form.language.clone());
    resource.set("url", canonical(base, &view.row.id, &view.form));
    if let Some(version) = &view.version {
        resource.set("version", version.number.to_string());
        resource.at("date", Some(version.published_at));
    }
    let title = view.version.as_ref().map_or(&view.row.title, |version| &version.title);
    resource.set("title", title.clone());
    resource.set("status", view.status());
    resource.set("subjectType", json!(["Patient"]));
    resource.set("item", view.form.items());
    resource.done()
}

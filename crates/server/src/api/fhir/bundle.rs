//! A page of a search as a Bundle (hl7.org/fhir/R4/bundle.html#searchset).

use bedside_app::fhir::Page;
use serde_json::{Value, json};

use super::{
    super::BaseUrl,
    ROOT, Resource,
    search::{AFTER, Query},
};

/// The bundle, with the search as it was understood (`self`) and the next page.
pub(super) fn searchset(base: &BaseUrl, resource: &Resource, query: &Query, page: Page<Value>) -> Value {
    let door = format!("{}{ROOT}", base.0);
    let address = |mark: Option<&str>| {
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(&query.pairs);
        if let Some(mark) = mark {
            text.append_pair(AFTER, mark);
        }
        let query = text.finish();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{door}/{}{mark}{query}", resource.name)
    };
    let mut links = vec![json!({ "relation": "self", "url": address(query.ask.after.as_deref()) })];
    if let Some(next) = &page.next {
        links.push(json!({ "relation": "next", "url": address(Some(next)) }));
    }
    let entries: Vec<Value> = page
        .rows
        .into_iter()
        .map(|row| {
            let id = row["id"].as_str().unwrap_or_default();
            let address = format!("{door}/{}/{id}", resource.name);
            json!({ "fullUrl": address, "resource": row, "search": { "mode": "match" } })
        })
        .collect();
    let mut bundle = json!({ "resourceType": "Bundle", "type": "searchset", "link": links });
    // FHIR has no empty lists.
    if !entries.is_empty() {
        bundle["entry"] = Value::Array(entries);
    }
    if let Some(total) = page.total {
        bundle["total"] = total.into();
    }
    bundle
}

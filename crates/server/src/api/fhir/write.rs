//! What several resources write alike.

use bedside_model::{
    At,
    fhir::instant,
    identifier::{CODE_SYSTEM, Identifier},
    user::Profile,
};
use serde_json::{Map, Value, json};

/// A resource under construction: what is empty is left out, as FHIR wants.
pub(super) struct Writer(Map<String, Value>);

impl Writer {
    /// A resource of a type with its logical id and when it was changed.
    pub fn new(kind: &str, id: impl ToString, changed: Option<At>) -> Self {
        let mut writer = Self(Map::new());
        writer.set("resourceType", kind);
        writer.set("id", id.to_string());
        if let Some(at) = changed.and_then(instant) {
            writer.set("meta", json!({ "lastUpdated": at }));
        }
        writer
    }

    /// Sets an element, unless it says nothing.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        let empty = match &value {
            Value::Null => true,
            Value::String(text) => text.trim().is_empty(),
            Value::Array(all) => all.is_empty(),
            Value::Object(all) => all.is_empty(),
            _ => false,
        };
        if !empty {
            self.0.insert(name.to_owned(), value);
        }
    }

    /// Sets an instant.
    pub fn at(&mut self, name: &str, at: Option<At>) {
        self.set(name, at.and_then(instant));
    }

    /// The resource.
    pub fn done(self) -> Value {
        Value::Object(self.0)
    }
}

/// A reference with the name that people read.
pub(super) fn reference(kind: &str, id: impl ToString, name: &str) -> Value {
    let mut reference = json!({ "reference": format!("{kind}/{}", id.to_string()) });
    if !name.trim().is_empty() {
        reference["display"] = name.trim().into();
    }
    reference
}

/// The identifiers of other systems.
pub(super) fn identifiers(known: &[Identifier]) -> Vec<Value> {
    known.iter().map(|one| json!({ "system": one.system, "value": one.value })).collect()
}

/// A person's identifiers, their code among them.
pub(super) fn person_identifiers(code: &str, known: &[Identifier]) -> Vec<Value> {
    let own = json!({ "use": "usual", "system": CODE_SYSTEM, "value": code });
    std::iter::once(own).chain(identifiers(known)).collect()
}

fn some<'t>(texts: impl IntoIterator<Item = &'t String>) -> Vec<&'t str> {
    texts.into_iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect()
}

/// How somebody is called, reached and found.
pub(super) fn person(writer: &mut Writer, profile: &Profile) {
    let mut name = Writer(Map::new());
    name.set("text", profile.full_name());
    name.set("family", profile.last_name.trim());
    name.set("given", some([&profile.first_name]));
    name.set("prefix", some([&profile.title]));
    name.set("suffix", some([&profile.suffix]));
    let name = name.done();
    writer.set("name", if name == json!({}) { Vec::new() } else { vec![name] });
    let contact = |system: &str, value: &str| {
        (!value.trim().is_empty()).then(|| json!({ "system": system, "value": value.trim() }))
    };
    let contacts = [contact("phone", &profile.phone), contact("email", &profile.email)];
    writer.set("telecom", contacts.into_iter().flatten().collect::<Vec<_>>());
    let mut address = Writer(Map::new());
    address.set("line", some([&profile.street_addr]));
    address.set("city", profile.city.trim());
    address.set("state", profile.state.trim());
    address.set("postalCode", profile.zip.trim());
    let address = address.done();
    writer.set("address", if address == json!({}) { Vec::new() } else { vec![address] });
    writer.set("birthDate", profile.dob.clone());
}

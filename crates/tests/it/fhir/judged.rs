//! Our answers, judged by the models of `fhir.resources` for Python.

use std::{collections::BTreeSet, path::Path, process::Command, time::Duration};

use bedside_tests::kit::Kit;
use serde_json::{Value, json};

use super::{MRN, found, ids, papers::papers, read};
use crate::{
    python_sdk::python,
    scheduling::{Clinic, DAY, MONDAY_NINE, book, clinic, id},
};

/// Every resource, a bundle with pages, a refusal and the description, read by
/// somebody else's models of the standard.
#[tokio::test]
async fn another_implementation_reads_every_answer() {
    let Some(python) = python().filter(|python| knows_fhir(python)) else {
        eprintln!("skipped: no Python environment with `fhir.resources`; `cargo xtask test` makes one");
        return;
    };
    let Clinic { kit, clock, provider, patient, admin } = clinic().await;
    let profile = json!({ "dob": "1980-02-29", "gender": "female", "phone": "+1 555 0100", "email": "m@a.example",
        "street_addr": "1 Main St", "city": "Springfield", "state": "NY", "zip": "12345" });
    admin.post(&format!("/users/{}", patient.id), profile).await.ok();
    admin.post(&format!("/users/{}", provider.id), json!({ "title": "Dr", "suffix": "MD" })).await.ok();
    let mrn = json!({ "identifiers": [{ "system": MRN, "value": "4711" }] });
    admin.post(&format!("/users/{}/identifiers", patient.id), mrn).await.ok();
    let booked = book(&patient, MONDAY_NINE, json!({})).await.data();
    let running = patient.walk_in("main").await;
    provider.act(&running, "accept").await.ok();
    provider.act(&running, "complete").await.ok();
    papers(&kit).await;
    super::forms::forms(&kit, &patient).await;
    let mut all = vec![read(&admin, "metadata").await];
    for name in [
        "Patient",
        "Practitioner",
        "Location",
        "Appointment",
        "Encounter",
        "Schedule",
        "DocumentReference",
        "Consent",
        "Questionnaire",
        "QuestionnaireResponse",
    ] {
        let bundle = read(&admin, &format!("{name}?_count=1")).await;
        let first = found(&bundle).remove(0);
        all.extend([
            bundle,
            read(&admin, &format!("{name}?_count=100")).await,
            read(&admin, &format!("{name}/{first}")).await,
        ]);
    }
    let schedule = ids(&admin, "Schedule").await.remove(0);
    let slots =
        read(&admin, &format!("Slot?schedule={schedule}&start=ge2027-02-01&start=lt2027-02-03")).await;
    all.push(read(&admin, &format!("Slot/{}", found(&slots)[0])).await);
    all.push(slots);
    all.push(read(&admin, "Patient?identifier=nobody").await);
    all.push(read(&admin, &format!("Patient/{}", patient.id)).await);
    all.push(read(&admin, &format!("Appointment/{}", id(&booked))).await);
    all.push(read(&admin, &format!("Encounter/{}", running.id)).await);
    all.push(admin.get("//fhir/R4/Patient/nobody").await.json());
    clock.advance_seconds(90 * DAY);
    all.push(read(&kit.admin(), &format!("Appointment/{}", id(&booked))).await);
    let told = read_by_python(&python, &kit, &all).unwrap_or_else(|said| panic!("{said}"));
    let kinds: BTreeSet<&str> = told.iter().map(|one| one["type"].as_str().unwrap()).collect();
    assert_eq!(kinds.len(), 14, "eleven resources, bundle, refusal, description: {kinds:?}");
    for (sent, read) in all.iter().zip(&told) {
        assert_eq!((&sent["resourceType"], &sent["id"]), (&read["type"], &read["id"]));
        assert_eq!(read["entries"].as_array().unwrap().len(), sent["entry"].as_array().map_or(0, Vec::len));
    }
    // And it would have refused: a status that is none, an element that is none.
    let bad = json!({ "resourceType": "Appointment", "status": "booked", "nonsense": 1, "participant": [] });
    assert!(read_by_python(&python, &kit, &[bad]).is_err());
}

fn knows_fhir(python: &Path) -> bool {
    let asked = Command::new(python).args(["-c", "import fhir.resources.R4B"]).output();
    asked.is_ok_and(|output| output.status.success())
}

fn read_by_python(python: &Path, kit: &Kit, resources: &[Value]) -> Result<Vec<Value>, String> {
    let file = kit.database().folder().join("resources.json");
    std::fs::write(&file, serde_json::to_vec(resources).unwrap()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/ehr.py");
    let output = Command::new(python).arg(script).arg(&file).output().expect("the script starts");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(serde_json::from_slice(&output.stdout).expect("JSON"))
}

/// Medplum's client for Node: what npm has put beside the pages.
#[tokio::test]
async fn medplums_client_reads_an_appointment_and_its_patient() {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
    if !web.join("node_modules/@medplum/core").is_dir() {
        eprintln!("skipped: Medplum's client is not installed; `npm ci` in web/ brings it");
        return;
    }
    let Clinic { kit, patient, .. } = clinic().await;
    kit.patient("tom").await;
    let booked = book(&patient, MONDAY_NINE, json!({})).await.data();
    // The client wants a newer Node than a machine may have; npm brings one.
    let mut script = tokio::process::Command::new(web.join("node_modules/.bin/node"));
    script.current_dir(&web).arg("sdk-tests/ehr.mjs").kill_on_drop(true);
    script.args([&kit.base, &kit.clinic.admin_token, id(&booked)]);
    let run = tokio::time::timeout(Duration::from_secs(60), script.output());
    let output = run.await.expect("the script ends by itself").expect("the script starts");
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("ok:"), "{said}");
}

//! Appointments, encounters and the times that can be booked.

use bedside_model::{At, visit::Status};
use bedside_tests::kit::{Kit, Visit};
use serde_json::json;

use super::{ids, read, refused, walk};
use crate::scheduling::{Clinic, MONDAY_NINE, book, clinic};

/// Appointments of every state, and a walk-in.
struct Care {
    kit: Kit,
    start: i64,
    maria: String,
    visits: Vec<Visit>,
    walk_in: Visit,
}

const STATES: [(&str, &str); 6] = [
    ("noshow", "cancelled"),
    ("pending", "planned"),
    ("booked", "planned"),
    ("fulfilled", "in-progress"),
    ("fulfilled", "finished"),
    ("cancelled", "cancelled"),
];

async fn care() -> Care {
    let (kit, _) = Kit::on_a_clock().await;
    let room = kit.room("main").await;
    let (maria, tom) = (kit.patient("maria").await, kit.patient("tom").await);
    let doctor = kit.provider("d-1", &[&room]).await;
    let start = kit.app.clock.now().seconds();
    let at = |hours: i64| At::from_seconds(start + hours * 3_600);
    let mut visits = Vec::new();
    for (hours, status) in [
        (-30, Status::Confirmed),
        (24, Status::Pending),
        (25, Status::Confirmed),
        (26, Status::Confirmed),
        (27, Status::Confirmed),
        (28, Status::Confirmed),
    ] {
        let whose = if hours == 28 { &tom } else { &maria };
        visits.push(kit.appointment_as(whose, &room, at(hours), 15, status).await);
    }
    for visit in &visits[3..5] {
        doctor.act(visit, "accept").await.ok();
    }
    doctor.act(&visits[4], "complete").await.ok();
    kit.admin().post(&format!("/visits/{}/cancel", visits[5].id), json!({})).await.ok();
    let walk_in = tom.walk_in(&room).await;
    Care { start, maria: maria.id, visits, walk_in, kit }
}

#[tokio::test]
async fn appointments_and_encounters_by_status_date_and_patient() {
    let care = care().await;
    let ehr = care.kit.admin();
    for (visit, (appointment, encounter)) in care.visits.iter().zip(STATES) {
        assert_eq!(read(&ehr, &format!("Appointment/{}", visit.id)).await["status"], appointment);
        let shown = read(&ehr, &format!("Encounter/{}", visit.id)).await;
        assert_eq!(shown["status"], encounter);
        assert_eq!(shown["appointment"][0]["reference"], format!("Appointment/{}", visit.id));
        assert!(ids(&ehr, &format!("Appointment?status={appointment}")).await.contains(&visit.id));
        assert!(ids(&ehr, &format!("Encounter?status={encounter}")).await.contains(&visit.id));
    }
    let id = |n: usize| care.visits[n].id.clone();
    assert_eq!(ids(&ehr, "Appointment?status=noshow").await, [id(0)]);
    assert_eq!(ids(&ehr, "Appointment?status=booked,pending").await, [id(1), id(2)]);
    assert_eq!(ids(&ehr, "Appointment?status=waitlist").await, Vec::<String>::new());
    assert_eq!(ids(&ehr, "Appointment?status=booked&status=pending").await, Vec::<String>::new());
    // A walk-in is no appointment.
    assert_eq!(ids(&ehr, "Encounter?status=arrived").await, std::slice::from_ref(&care.walk_in.id));
    let missing = ehr.get(&format!("//fhir/R4/Appointment/{}", care.walk_in.id)).await;
    refused(&missing, 404, "not-found", "resource_not_found");
    let of_maria = format!("Appointment?patient=Patient/{}", care.maria);
    assert_eq!(ids(&ehr, &of_maria).await, (0..5).map(id).collect::<Vec<_>>());
    assert_eq!(
        ids(&ehr, &format!("Appointment?patient={}&_id={}", care.maria, id(5))).await,
        Vec::<String>::new()
    );
    let instant =
        |hours: i64| bedside_model::fhir::instant(At::from_seconds(care.start + hours * 3_600)).unwrap();
    let window = format!("date=ge{}&date=lt{}", instant(25), instant(27));
    assert_eq!(ids(&ehr, &format!("Appointment?{window}")).await, [id(2), id(3)]);
    let day = &instant(-30)[..10];
    assert_eq!(ids(&ehr, &format!("Appointment?date={day}")).await, [id(0)]);
    // Page by page the same, also where a status is told by the time.
    let (all, pages) = walk(&ehr, "Appointment?_count=4").await;
    assert_eq!((all, pages), ((0..6).map(id).collect(), 2));
    assert_eq!(walk(&ehr, "Appointment?status=fulfilled,noshow&_count=1").await.0, [id(0), id(3), id(4)]);
}

#[tokio::test]
async fn an_appointment_says_where_its_call_is_and_what_others_call_it() {
    let care = care().await;
    let ehr = care.kit.admin();
    let visit = &care.visits[2];
    let path = format!("/visits/{}/identifiers", visit.id);
    let number = json!({ "identifiers": [{ "system": "https://ehr.example/appointments", "value": "A-7" }] });
    ehr.post(&path, number.clone()).await.ok();
    assert_eq!(ids(&ehr, "Appointment?identifier=A-7").await, std::slice::from_ref(&visit.id));
    assert_eq!(
        ids(&ehr, "Encounter?identifier=https://ehr.example/appointments|A-7").await,
        std::slice::from_ref(&visit.id)
    );
    ehr.post(&format!("/visits/{}/identifiers", care.visits[1].id), number)
        .await
        .refused(400, "identifier_taken");
    let shown = read(&ehr, &format!("Appointment/{}", visit.id)).await;
    assert_eq!(shown["identifier"][0]["value"], "A-7");
    let service = &shown["extension"][0];
    assert_eq!(
        service["url"],
        "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.virtualService"
    );
    let part = |name: &str| {
        let all = service["extension"].as_array().unwrap();
        all.iter().find(|one| one["url"] == name).unwrap_or_else(|| panic!("{name}")).clone()
    };
    assert_eq!(part("_datatype")["valueString"], "VirtualServiceDetail");
    let address = part("address")["valueUrl"].as_str().unwrap().to_owned();
    assert!(address.ends_with(&format!("/members/appointment/{}", visit.id)), "{address}");
    let actors: Vec<_> = shown["participant"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["actor"]["reference"].clone())
        .collect();
    assert_eq!(actors[0], format!("Patient/{}", care.maria));
    assert!(actors[1].as_str().unwrap().starts_with("Location/"), "{actors:?}");
    assert_eq!(shown["minutesDuration"], 15);
    // What is over has no call.
    assert!(read(&ehr, &format!("Appointment/{}", care.visits[4].id)).await["extension"].is_null());
}

#[tokio::test]
async fn schedules_have_slots_until_they_are_taken() {
    let Clinic { kit, provider, patient, admin, .. } = clinic().await;
    let rules = ids(&admin, &format!("Schedule?actor=Practitioner/{}", provider.id)).await;
    assert_eq!((rules.len(), ids(&admin, "Schedule").await), (1, rules.clone()));
    assert_eq!(
        ids(&admin, &format!("Schedule?actor=Practitioner/{}", patient.id)).await,
        Vec::<String>::new()
    );
    let schedule = &rules[0];
    assert_eq!(read(&admin, &format!("Schedule/{schedule}")).await["planningHorizon"]["start"], "2027-01-01");
    let path = format!("Slot?schedule=Schedule/{schedule}&start=2027-02-01&_count=5");
    let (slots, pages) = walk(&admin, &path).await;
    assert_eq!((slots.len(), pages), (12, 3), "a quarter of an hour each, nine to twelve");
    assert_eq!(slots[0], format!("{schedule}-{}", MONDAY_NINE * 1000));
    let slot = read(&admin, &format!("Slot/{}", slots[0])).await;
    assert_eq!((&slot["status"], &slot["start"]), (&json!("free"), &json!("2027-02-01T14:00:00Z")));
    book(&patient, MONDAY_NINE, json!({})).await.ok();
    refused(
        &admin.get(&format!("//fhir/R4/Slot/{}", slots[0])).await,
        404,
        "not-found",
        "resource_not_found",
    );
    assert_eq!(walk(&admin, &path).await.0, slots[1..]);
    assert_eq!(ids(&admin, &format!("{path}&status=busy")).await, Vec::<String>::new());
    let south = kit.another_clinic("southside").await;
    let south = kit.admin_of(&south);
    assert_eq!(ids(&south, &path).await, Vec::<String>::new());
    refused(
        &south.get(&format!("//fhir/R4/Schedule/{schedule}")).await,
        404,
        "not-found",
        "resource_not_found",
    );
}

/// Statements that searches have taken so far, as `/metrics` says.
async fn so_far(kit: &Kit) -> u64 {
    let page = kit.anonymous().get("//metrics").await.ok().text;
    let name = "bedside_http_statements_total{method=\"GET\",route=\"/fhir/R4/{type}\"} ";
    page.lines().find_map(|line| line.strip_prefix(name)).map_or(0, |count| count.parse().unwrap())
}

#[tokio::test]
async fn a_search_takes_as_many_statements_for_many_rows_as_for_one() {
    let Care { kit, .. } = care().await;
    let ehr = kit.admin();
    for name in ["Appointment", "Encounter", "Patient", "Location"] {
        let mut counts = Vec::new();
        for count in [1, 50] {
            let before = so_far(&kit).await;
            read(&ehr, &format!("{name}?_count={count}")).await;
            counts.push(so_far(&kit).await - before);
        }
        assert!(counts[0] == counts[1] && (1..=8).contains(&counts[0]), "{name}: {counts:?}");
    }
}

#[tokio::test]
async fn in_a_clinic_with_one_time_links_the_address_is_one_until_the_visit_closes() {
    let Clinic { kit, patient, admin, .. } = clinic().await;
    admin.post("/accounts/-", json!({ "one_time_links": 1 })).await.ok();
    let booked = book(&patient, MONDAY_NINE, json!({})).await.data();
    let path = format!("Appointment/{}", booked["id"].as_str().unwrap());
    let shown = read(&admin, &path).await;
    let parts = shown["extension"][0]["extension"].as_array().unwrap();
    let address = parts.iter().find(|one| one["url"] == "address").unwrap();
    let (_, token) = address["valueUrl"].as_str().unwrap().split_once("?token=").expect("a link");
    let holder = kit.anonymous().header("X-LinkToken", token);
    let visit = format!("/visits/{}", booked["id"].as_str().unwrap());
    assert_eq!(holder.get(&visit).await.data()["id"], booked["id"]);
    // The holder of a link is no program.
    refused(&holder.get(&format!("//fhir/R4/{path}")).await, 403, "forbidden", "link_not_enough");
    admin.post(&format!("{visit}/cancel"), json!({})).await.ok();
    assert!(read(&admin, &path).await["extension"].is_null());
}

//! An appointment at a time of the test's choosing, past every rule of booking:
//! the row itself.

use bedside_model::{
    At, RoomId, UserId,
    visit::{Kind, Plan, State, Status, Subtype},
};
use bedside_store::visits::{self, NewVisit};

use super::{Kit, Person, Visit};

impl Kit {
    /// A confirmed appointment of a patient, in a room, for anybody.
    pub async fn appointment(&self, patient: &Person, room: &str, start_at: At, minutes: i64) -> Visit {
        self.appointment_as(patient, room, start_at, minutes, Status::Confirmed).await
    }

    /// The same in another state.
    pub async fn appointment_as(
        &self,
        patient: &Person,
        room: &str,
        start_at: At,
        minutes: i64,
        status: Status,
    ) -> Visit {
        let intake = patient.intake(room).await;
        let room = self.admin().get(&format!("/rooms/{room}")).await.data();
        let account = self.account().await;
        let new = NewVisit {
            account,
            code: self.app.random.hex(),
            room: RoomId(room["id"].as_str().expect("an id").parse().expect("a number")),
            member: UserId(patient.id.parse().expect("a number")),
            guardian: None,
            intake: intake.parse().expect("an intake"),
            plan: Plan {
                kind: Kind::Scheduled,
                subtype: Subtype::Video,
                start_at,
                end_at: start_at.plus_minutes(minutes),
            },
            state: State::new(status, None),
            duration_minutes: minutes,
            amount_cents: 0,
            consultation: None,
            description: "Consultation".to_owned(),
            meeting: self.app.random.hex(),
            conference_pin: 123_456,
            at: self.app.clock.now(),
        };
        let added: bedside_app::Result<_> =
            self.app.store.write(move |tx| Box::pin(async move { Ok(visits::add(tx, &new).await?) })).await;
        let id = added.expect("the appointment is made").to_string();
        let body = self.admin().get(&format!("/visits/{id}")).await.data();
        Visit { id, intake_id: intake, body }
    }

    async fn account(&self) -> bedside_model::AccountId {
        let found = bedside_app::accounts::get_by_code(&self.app, &self.clinic.code).await;
        found.expect("the clinic is there").id
    }
}

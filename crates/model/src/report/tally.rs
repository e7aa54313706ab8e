//! What is counted of visits and intakes. A tally of one thing and the merge of
//! many are the same type.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Histogram;
use crate::{
    At,
    visit::{CloseReason, Kind, Status},
};

/// What became of a visit, each visit exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// It waits, or is still to come.
    #[serde(rename = "w")]
    Waiting,
    /// A provider has it.
    #[serde(rename = "p")]
    InProgress,
    /// Completed.
    #[serde(rename = "c")]
    Completed,
    /// Completed, and the money was given back.
    #[serde(rename = "r")]
    Refunded,
    /// Called off.
    #[serde(rename = "x")]
    Cancelled,
    /// The patient left the waiting room.
    #[serde(rename = "a")]
    Aborted,
    /// An appointment that nobody came to or took.
    #[serde(rename = "m")]
    Missed,
}

/// Why people left, in the order of the report's columns; the last counts those
/// who gave no reason.
const REASONS: [CloseReason; 4] = [
    CloseReason::PatientExitRoom,
    CloseReason::PatientCancelAppointment,
    CloseReason::PatientEndCall,
    CloseReason::CallEnded,
];

/// What a report needs to know of a visit. No person is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fact {
    /// How it came about.
    pub kind: Kind,
    /// Where it stands.
    pub status: Status,
    /// Since when its patient waits.
    pub waiting_since_at: At,
    /// When the patient of an appointment came.
    pub arrived_at: Option<At>,
    /// When it was taken.
    pub actual_start_at: Option<At>,
    /// When it was over.
    pub actual_end_at: Option<At>,
    /// Its patient, or who brought them, ended it.
    pub ended_by_patient: bool,
    /// The last reason given for closing.
    pub reason: Option<CloseReason>,
    /// Somebody noticed that it was missed.
    pub is_missed: bool,
}

impl Fact {
    /// What became of it.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self.status {
            Status::Pending | Status::Confirmed if self.is_missed && self.arrived_at.is_none() => {
                Outcome::Missed
            }
            Status::Pending | Status::Confirmed => Outcome::Waiting,
            Status::InProgress => Outcome::InProgress,
            Status::Completed => Outcome::Completed,
            Status::Refunded => Outcome::Refunded,
            Status::Cancelled if self.reason == Some(CloseReason::PatientExitRoom) => Outcome::Aborted,
            Status::Cancelled => Outcome::Cancelled,
        }
    }

    /// Was its patient ever in the waiting room, as far as is known?
    const fn waited(&self) -> bool {
        match self.kind {
            Kind::WalkIn => true,
            Kind::Scheduled => self.arrived_at.is_some(),
            Kind::EConsult | Kind::Guest => false,
        }
    }

    /// How long the patient waited until the visit was taken, in seconds.
    fn wait(&self) -> Option<i64> {
        let since = match self.kind {
            Kind::WalkIn => Some(self.waiting_since_at),
            Kind::Scheduled => self.arrived_at,
            Kind::EConsult | Kind::Guest => None,
        };
        self.actual_start_at.zip(since).map(|(taken, since)| seconds(since, taken))
    }

    fn has_left(&self) -> bool {
        self.status == Status::Cancelled
            && self.actual_start_at.is_none()
            && self.waited()
            && (self.ended_by_patient || self.reason == Some(CloseReason::PatientExitRoom))
    }

    fn is_done(&self) -> bool {
        matches!(self.status, Status::Completed | Status::Refunded)
    }
}

fn seconds(from: At, until: At) -> i64 {
    (until.0 - from.0).max(0) / 1000
}

/// What a report needs to know of an intake: how far its visit came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IntakeFact {
    /// The visit that was made from it.
    pub visit: Option<Fact>,
}

/// Figures of some visits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Visits by kind number and outcome.
    #[serde(rename = "v", default, skip_serializing_if = "BTreeMap::is_empty", with = "pairs")]
    outcomes: BTreeMap<(i64, Outcome), u64>,
    /// Seconds from coming to being taken.
    #[serde(rename = "w", default, skip_serializing_if = "Histogram::is_empty")]
    pub waits: Histogram,
    /// Patients who left before they were taken.
    #[serde(rename = "l", default, skip_serializing_if = "none")]
    pub left: u64,
    /// Seconds from being taken to the end, of completed visits.
    #[serde(rename = "d", default, skip_serializing_if = "Histogram::is_empty")]
    pub durations: Histogram,
    /// Ratings of one to five stars.
    #[serde(rename = "r", default, skip_serializing_if = "zeros")]
    pub ratings: [u64; 5],
    /// Intakes; those with a visit; whose patient waited; taken; completed.
    #[serde(rename = "f", default, skip_serializing_if = "zeros")]
    pub steps: [u64; 5],
    /// Of those intakes, the visits that were given up, by reason.
    #[serde(rename = "q", default, skip_serializing_if = "zeros")]
    pub leaves: [u64; 5],
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn none(n: &u64) -> bool {
    *n == 0
}

fn zeros(all: &[u64; 5]) -> bool {
    all.iter().all(|n| *n == 0)
}

/// JSON has no pairs as names of members.
mod pairs {
    use serde::{Deserializer, Serializer};

    use super::{BTreeMap, Deserialize, Outcome};

    pub fn serialize<S: Serializer>(map: &BTreeMap<(i64, Outcome), u64>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(map.iter().map(|((kind, outcome), n)| (*kind, *outcome, *n)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeMap<(i64, Outcome), u64>, D::Error> {
        let all = Vec::<(i64, Outcome, u64)>::deserialize(from)?;
        Ok(all.into_iter().map(|(kind, outcome, n)| ((kind, outcome), n)).collect())
    }
}

impl Tally {
    /// Counts a visit. Invited guests are no visits.
    pub fn add_visit(&mut self, fact: &Fact) {
        if fact.kind == Kind::Guest {
            return;
        }
        *self.outcomes.entry((fact.kind.code(), fact.outcome())).or_default() += 1;
        if let Some(wait) = fact.wait() {
            self.waits.add(wait);
        }
        self.left += u64::from(fact.has_left());
        if fact.is_done()
            && let Some((start, end)) = fact.actual_start_at.zip(fact.actual_end_at)
        {
            self.durations.add(seconds(start, end));
        }
    }

    /// Counts an intake and how far its visit came. Each step holds all who came
    /// that far or farther.
    pub fn add_intake(&mut self, intake: &IntakeFact) {
        let visit = intake.visit.filter(|visit| visit.kind != Kind::Guest);
        let done = visit.is_some_and(|visit| visit.is_done());
        let taken = done || visit.is_some_and(|visit| visit.actual_start_at.is_some());
        let waited = taken || visit.is_some_and(|visit| visit.waited());
        let reached = [true, visit.is_some(), waited, taken, done];
        for (step, reached) in self.steps.iter_mut().zip(reached) {
            *step += u64::from(reached);
        }
        if let Some(visit) = visit.filter(|visit| visit.status == Status::Cancelled) {
            let place = REASONS.iter().position(|reason| Some(*reason) == visit.reason);
            self.leaves[place.unwrap_or(REASONS.len())] += 1;
        }
    }

    /// Counts a rating; what is not one to five counts as nothing.
    pub fn add_rating(&mut self, stars: i64) {
        let place = usize::try_from(stars - 1).ok();
        if let Some(count) = place.and_then(|place| self.ratings.get_mut(place)) {
            *count += 1;
        }
    }

    /// With everything of another one.
    pub fn merge(&mut self, other: &Self) {
        for (key, count) in &other.outcomes {
            *self.outcomes.entry(*key).or_default() += count;
        }
        self.waits.merge(&other.waits);
        self.left += other.left;
        self.durations.merge(&other.durations);
        for (own, others) in [
            (&mut self.ratings, &other.ratings),
            (&mut self.steps, &other.steps),
            (&mut self.leaves, &other.leaves),
        ] {
            own.iter_mut().zip(others).for_each(|(own, other)| *own += other);
        }
    }

    fn sum(&self, wanted: impl Fn(i64, Outcome) -> bool) -> u64 {
        let found = self.outcomes.iter().filter(|((kind, outcome), _)| wanted(*kind, *outcome));
        found.map(|(_, count)| count).sum()
    }

    /// All visits.
    #[must_use]
    pub fn visits(&self) -> u64 {
        self.sum(|_, _| true)
    }

    /// Visits that ended so.
    #[must_use]
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.sum(|_, other| other == outcome)
    }

    /// Visits that came about so, by the documented number.
    #[must_use]
    pub fn of_kind(&self, kind: i64) -> u64 {
        self.sum(|other, _| other == kind)
    }

    /// Completed, also when the money was given back since.
    #[must_use]
    pub fn completed(&self) -> u64 {
        self.sum(|_, outcome| matches!(outcome, Outcome::Completed | Outcome::Refunded))
    }

    /// Neither over, nor missed, nor given up.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.sum(|_, outcome| matches!(outcome, Outcome::Waiting | Outcome::InProgress))
    }

    /// Appointments that were missed.
    #[must_use]
    pub fn missed_appointments(&self) -> u64 {
        self.sum(|kind, outcome| kind == Kind::Scheduled.code() && outcome == Outcome::Missed)
    }

    /// Appointments of which it is known whether somebody came: all but those
    /// that were called off and those that are still to come.
    #[must_use]
    pub fn due_appointments(&self) -> u64 {
        let open = |outcome| matches!(outcome, Outcome::Cancelled | Outcome::Waiting);
        self.sum(|kind, outcome| kind == Kind::Scheduled.code() && !open(outcome))
    }
}

#[cfg(test)]
#[path = "tally_tests.rs"]
mod tests;

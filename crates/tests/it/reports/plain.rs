//! The same figures in the plainest way: every row is read, every number is
//! computed from all of them, medians by sorting. Shares nothing with the code
//! under test but the names.

use serde_json::Value;
use sqlx::Connection;

pub struct Visit {
    room: i64,
    provider: Option<i64>,
    kind: i64,
    status: i64,
    start: i64,
    waiting_since: i64,
    arrived: Option<i64>,
    taken: Option<i64>,
    ended: Option<i64>,
    by_patient: bool,
    reason: Option<String>,
    missed: bool,
    rating: Option<i64>,
    id: i64,
}

pub struct Intake {
    created: i64,
    room: Option<i64>,
    provider: Option<i64>,
    visit: Option<i64>,
}

pub struct Rows {
    pub visits: Vec<Visit>,
    pub intakes: Vec<Intake>,
}

pub struct Wanted {
    pub room: Option<i64>,
    pub provider: Option<i64>,
}

const VISITS: &str = "SELECT v.id, v.room_id, v.provider_id, v.requested_provider_id, v.type, v.status, v.start_at, \
     v.waiting_since_at, v.arrived_at, v.actual_start_at, v.actual_end_at, v.ended_by, v.member_id, v.reason, \
     v.missed_at, (SELECT r.rating FROM survey_results r WHERE r.visit_id = v.id) FROM visits v ORDER BY v.id";
const INTAKES: &str = "SELECT i.created_at, i.room_id, i.provider_id, v.id FROM intakes i \
     LEFT JOIN visits v ON v.intake_id = i.id";

type VisitRow = (
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    i64,
    i64,
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    i64,
    Option<String>,
    Option<i64>,
    Option<i64>,
);
type IntakeRow = (i64, Option<i64>, Option<i64>, Option<i64>);

impl Rows {
    pub async fn read(url: &str) -> Self {
        let (visits, intakes): (Vec<VisitRow>, Vec<IntakeRow>) = if url.starts_with("sqlite:") {
            let mut conn = sqlx::SqliteConnection::connect(url).await.unwrap();
            let visits = sqlx::query_as(VISITS).fetch_all(&mut conn).await.unwrap();
            (visits, sqlx::query_as(INTAKES).fetch_all(&mut conn).await.unwrap())
        } else {
            let mut conn = sqlx::PgConnection::connect(url).await.unwrap();
            let visits = sqlx::query_as(VISITS).fetch_all(&mut conn).await.unwrap();
            (visits, sqlx::query_as(INTAKES).fetch_all(&mut conn).await.unwrap())
        };
        let visit = |row: VisitRow| Visit {
            id: row.0,
            room: row.1,
            provider: row.2.or(row.3),
            kind: row.4,
            status: row.5,
            start: row.6,
            waiting_since: row.7,
            arrived: row.8,
            taken: row.9,
            ended: row.10,
            by_patient: row.11 == Some(row.12),
            reason: row.13,
            missed: row.14.is_some(),
            rating: row.15,
        };
        let intake = |row: IntakeRow| Intake { created: row.0, room: row.1, provider: row.2, visit: row.3 };
        Self {
            visits: visits.into_iter().map(visit).collect(),
            intakes: intakes.into_iter().map(intake).collect(),
        }
    }

    /// Every row of a report, and its total.
    pub fn check(&self, name: &str, report: &Value, wanted: &Wanted) {
        let rows = report["rows"].as_array().unwrap();
        let of = |row: &Value, edge: &str| row[edge].as_i64().unwrap() * 1000;
        for row in rows.iter().chain([&report["total"]]) {
            let (from, until) = (of(row, "start"), of(row, "end"));
            let provider = row["provider_id"].as_str().map(|id| id.parse().unwrap());
            let mine = |room: Option<i64>, who: Option<i64>, at: i64| {
                at >= from
                    && at < until
                    && wanted.room.is_none_or(|wanted| room == Some(wanted))
                    && wanted.provider.or(provider).is_none_or(|wanted| who == Some(wanted))
            };
            let visits: Vec<&Visit> = self
                .visits
                .iter()
                .filter(|visit| mine(Some(visit.room), visit.provider, visit.start))
                .collect();
            let expected = match name {
                "drop_off" => {
                    let came = self.intakes.iter().filter_map(|intake| {
                        let visit = self.visits.iter().find(|visit| Some(visit.id) == intake.visit);
                        let room = visit.map(|visit| visit.room).or(intake.room);
                        let who = visit.and_then(|visit| visit.provider).or(intake.provider);
                        mine(room, who, intake.created).then_some(visit)
                    });
                    drop_off(&came.collect::<Vec<_>>())
                }
                _ => figures(name, &visits),
            };
            same(name, row, &expected);
        }
        // Rows lie beside one another and cover everything that was asked.
        if name != "provider_load" {
            let edges: Vec<i64> = rows.iter().map(|row| of(row, "start")).collect();
            let ends: Vec<i64> = rows.iter().map(|row| of(row, "end")).collect();
            assert_eq!(edges[1..], ends[..ends.len() - 1]);
            assert_eq!(
                (edges[0], ends[ends.len() - 1]),
                (of(&report["total"], "start"), of(&report["total"], "end"))
            );
        } else if wanted.provider.is_none() {
            let seen: f64 = rows.iter().map(|row| row["figures"]["visits"].as_f64().unwrap()).sum();
            assert_eq!(Some(seen), report["total"]["figures"]["visits"].as_f64(), "nobody is left out");
        }
    }
}

/// What a figure must be, and by how much of itself it may be off.
type Expected = Vec<(&'static str, Option<f64>, f64)>;

fn same(name: &str, row: &Value, expected: &Expected) {
    let figures = row["figures"].as_object().unwrap();
    assert_eq!(figures.len(), expected.len(), "{name}");
    for (figure, wanted, off) in expected {
        let found = figures[*figure].as_f64();
        let near = match (found, wanted) {
            (Some(found), Some(wanted)) => {
                (found - wanted).abs() <= wanted * off + if *off > 0.0 { 0.5 } else { 0.051 }
            }
            (None, None) => true,
            _ => false,
        };
        assert!(near, "{name} {figure}: {found:?} in place of {wanted:?}: {row}");
    }
}

fn n(count: usize) -> Option<f64> {
    Some(count as f64)
}

fn done(visit: &Visit) -> bool {
    visit.status == 30 || visit.status == 50
}

fn missed(visit: &Visit) -> bool {
    (visit.status == 10 || visit.status == 20) && visit.missed && visit.arrived.is_none()
}

fn aborted(visit: &Visit) -> bool {
    visit.status == 40 && visit.reason.as_deref() == Some("patient_exit_room")
}

fn came(visit: &Visit) -> bool {
    visit.kind == 1 || (visit.kind == 2 && visit.arrived.is_some())
}

fn spans(mut seconds: Vec<i64>, last: (&'static str, Option<f64>)) -> Expected {
    seconds.sort_unstable();
    let rank = |share: f64| {
        let place = (share * seconds.len() as f64).ceil() as usize;
        seconds.get(place.max(1) - 1).map(|seconds| *seconds as f64)
    };
    let mean = (!seconds.is_empty()).then(|| seconds.iter().sum::<i64>() as f64 / seconds.len() as f64);
    vec![
        ("count", n(seconds.len()), 0.0),
        ("mean_s", mean, 0.0),
        ("median_s", rank(0.5), 1.0 / 64.0),
        ("p90_s", rank(0.9), 1.0 / 64.0),
        (last.0, last.1, 0.0),
    ]
}

fn lasted(visits: &[&Visit]) -> Vec<i64> {
    let both = |visit: &&Visit| Some((visit.ended? - visit.taken?).max(0) / 1000);
    visits.iter().filter(|visit| done(visit)).filter_map(both).collect()
}

fn figures(name: &str, visits: &[&Visit]) -> Expected {
    let count = |which: &dyn Fn(&Visit) -> bool| n(visits.iter().filter(|visit| which(visit)).count());
    match name {
        "visits" => vec![
            ("total", n(visits.len()), 0.0),
            ("completed", count(&done), 0.0),
            ("pending", count(&|v| v.status <= 25 && !missed(v)), 0.0),
            ("cancelled", count(&|v| v.status == 40 && !aborted(v)), 0.0),
            ("aborted", count(&aborted), 0.0),
            ("missed", count(&missed), 0.0),
            ("in_progress", count(&|v| v.status == 25), 0.0),
            ("refunded", count(&|v| v.status == 50), 0.0),
            ("walk_in", count(&|v| v.kind == 1), 0.0),
            ("scheduled", count(&|v| v.kind == 2), 0.0),
            ("e_consult", count(&|v| v.kind == 3), 0.0),
        ],
        "waits" => {
            let wait = |visit: &&Visit| {
                let since = if visit.kind == 2 { visit.arrived? } else { visit.waiting_since };
                Some((visit.taken? - since).max(0) / 1000)
            };
            let gone =
                |v: &Visit| v.status == 40 && v.taken.is_none() && came(v) && (v.by_patient || aborted(v));
            spans(visits.iter().filter_map(wait).collect(), ("left", count(&gone)))
        }
        "no_shows" => {
            let due =
                |v: &Visit| v.kind == 2 && (missed(v) || matches!(v.status, 25 | 30 | 50) || aborted(v));
            let (all, gone) = (count(&due).unwrap(), count(&|v| v.kind == 2 && missed(v)).unwrap());
            let rate = (all > 0.0).then(|| gone * 100.0 / all);
            vec![("appointments", Some(all), 0.0), ("missed", Some(gone), 0.0), ("rate_percent", rate, 0.0)]
        }
        "durations" => {
            let all = lasted(visits);
            let minutes = all.iter().sum::<i64>() as f64 / 60.0;
            spans(all, ("total_minutes", Some(minutes)))
        }
        "provider_load" => {
            let of_somebody: Vec<&Visit> =
                visits.iter().copied().filter(|visit| visit.provider.is_some()).collect();
            let all = lasted(&of_somebody);
            let sum = all.iter().sum::<i64>() as f64;
            let mean = (!all.is_empty()).then(|| sum / all.len() as f64);
            vec![("visits", n(all.len()), 0.0), ("minutes", Some(sum / 60.0), 0.0), ("mean_s", mean, 0.0)]
        }
        "ratings" => {
            let stars: Vec<i64> = visits.iter().filter_map(|visit| visit.rating).collect();
            let mean = (!stars.is_empty()).then(|| stars.iter().sum::<i64>() as f64 / stars.len() as f64);
            let of = |wanted: i64| n(stars.iter().filter(|stars| **stars == wanted).count());
            vec![
                ("count", n(stars.len()), 0.0),
                ("mean", mean, 0.0),
                ("stars_1", of(1), 0.0),
                ("stars_2", of(2), 0.0),
                ("stars_3", of(3), 0.0),
                ("stars_4", of(4), 0.0),
                ("stars_5", of(5), 0.0),
            ]
        }
        other => panic!("{other}"),
    }
}

fn drop_off(intakes: &[Option<&Visit>]) -> Expected {
    let taken = |v: &Visit| done(v) || v.taken.is_some();
    let step =
        |which: &dyn Fn(&Visit) -> bool| n(intakes.iter().flatten().filter(|visit| which(visit)).count());
    let left = |reason: Option<&'static str>| step(&move |v| v.status == 40 && v.reason.as_deref() == reason);
    vec![
        ("intakes", n(intakes.len()), 0.0),
        ("visits", step(&|_| true), 0.0),
        ("waited", step(&|v| taken(v) || came(v)), 0.0),
        ("taken", step(&taken), 0.0),
        ("completed", step(&done), 0.0),
        ("patient_exit_room", left(Some("patient_exit_room")), 0.0),
        ("patient_cancel_appointment", left(Some("patient_cancel_appointment")), 0.0),
        ("patient_end_call", left(Some("patient_end_call")), 0.0),
        ("call_ended", left(Some("call_ended")), 0.0),
        ("no_reason", left(None), 0.0),
    ]
}

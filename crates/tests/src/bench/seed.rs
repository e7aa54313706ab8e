//! A clinic of some years: many patients, a few rooms, mostly visits that are
//! over. Deterministic, so that two engines hold the same.

use anyhow::Result;
use bedside_model::{
    AccountId, At, IntakeId, RoomId, UserId,
    room::RoomSettings,
    user::{Profile, UserType},
    visit::{Kind, Plan, State, Status, Subtype},
};
use bedside_store::{
    Store,
    intakes::{self, Intake},
    rooms::{self, NewRoom},
    users::{self, CallIdentity, NewUser},
    visits::{self, NewVisit},
};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};

const ROOMS: usize = 20;
const PROVIDERS: usize = 200;
/// Rows of one change.
const BATCH: usize = 2_000;
/// Changes at the same time; on SQLite they queue.
const AT_ONCE: usize = 4;

const FIRST: [&str; 16] = [
    "Maria", "Tom", "Amara", "Jonas", "Mei", "Ana", "Luis", "Sofia", "Noah", "Emma", "Ali", "Yuki", "Ines",
    "Omar", "Lena", "Igor",
];
const LAST: [&str; 16] = [
    "Santos", "Becker", "Osei", "Lind", "Tan", "Silva", "Moreau", "Rossi", "Novak", "Haddad", "Kowalski",
    "Sato", "Okafor", "Jensen", "Costa", "Petrov",
];

/// Fills the database.
pub async fn fill(store: &Store, account: &AccountId, patients: usize, visits: usize, now: At) -> Result<()> {
    let rooms = add_rooms(store, account, now).await?;
    let providers = add_users(store, account, UserType::Provider, PROVIDERS, now).await?;
    let assigned: Vec<(RoomId, UserId)> =
        providers.iter().enumerate().map(|(n, provider)| (rooms[n % rooms.len()], *provider)).collect();
    let whose = account.clone();
    store
        .write::<_, bedside_store::Error, _>(move |tx| {
            Box::pin(async move {
                for (room, provider) in assigned {
                    rooms::assign(tx, &whose, room, provider, now).await?;
                }
                Ok(())
            })
        })
        .await?;
    let patients = add_users(store, account, UserType::Member, patients, now).await?;
    add_visits(store, account, (&rooms, &providers, &patients), visits, now).await
}

async fn add_rooms(store: &Store, account: &AccountId, at: At) -> Result<Vec<RoomId>> {
    let mut ids = Vec::new();
    for n in 0..ROOMS {
        let room = NewRoom {
            account: account.clone(),
            code: format!("r{n}"),
            slug: format!("room-{n}"),
            domain: "bench".to_owned(),
            name: format!("Room {n}"),
            subtitle: String::new(),
            description: String::new(),
            settings: RoomSettings::default(),
            at,
        };
        ids.push(store.write(move |tx| Box::pin(async move { rooms::add(tx, &room).await })).await?);
    }
    Ok(ids)
}

async fn add_users(
    store: &Store,
    account: &AccountId,
    kind: UserType,
    count: usize,
    at: At,
) -> Result<Vec<UserId>> {
    let mut ids = Vec::with_capacity(count);
    for first in (0..count).step_by(BATCH) {
        let account = account.clone();
        let last = count.min(first + BATCH);
        let added = store.write::<Vec<UserId>, bedside_store::Error, _>(move |tx| {
            Box::pin(async move {
                let mut ids = Vec::with_capacity(last - first);
                for n in first..last {
                    ids.push(users::add(tx, &user(&account, kind, n, at)).await?);
                }
                Ok(ids)
            })
        });
        ids.extend(added.await?);
    }
    Ok(ids)
}

fn user(account: &AccountId, kind: UserType, n: usize, at: At) -> NewUser {
    let (first, last) = (FIRST[n % 16], LAST[n / 16 % 16]);
    NewUser {
        account: account.clone(),
        kind,
        subtype: String::new(),
        role: String::new(),
        code: format!("{}-{n}", kind.code()),
        username: format!("{}-{n}@bench.example", kind.code()),
        vseeid: CallIdentity::Named(format!("bench+{n}")),
        profile: Profile {
            first_name: first.to_owned(),
            last_name: format!("{last}{}", n / 256),
            email: format!("{first}.{last}.{n}@mail.example").to_lowercase(),
            ..Profile::default()
        },
        disable_emails: false,
        password_hash: None,
        at,
    }
}

type People<'p> = (&'p [RoomId], &'p [UserId], &'p [UserId]);

async fn add_visits(
    store: &Store,
    account: &AccountId,
    (rooms, providers, patients): People<'_>,
    count: usize,
    now: At,
) -> Result<()> {
    let vault = store.vault(account).await?;
    let mut random = StdRng::seed_from_u64(7);
    let mut running = tokio::task::JoinSet::new();
    for first in (0..count).step_by(BATCH) {
        let mut rows = Vec::with_capacity(BATCH);
        for n in first..count.min(first + BATCH) {
            let (room, provider, patient) = (
                random.random_range(0..rooms.len()),
                random.random_range(0..providers.len()),
                random.random_range(0..patients.len()),
            );
            // One in a thousand, of the last ones, still waits.
            let open = n + 2_000 > count && n % 20 == 0;
            let at = At(now.0 - (count - n) as i64 * 90_000);
            rows.push(row(
                account,
                &vault,
                (rooms[room], providers[provider], patients[patient]),
                (at, open),
                &mut random,
            )?);
        }
        if running.len() >= AT_ONCE {
            running.join_next().await.expect("one runs")??;
        }
        let store = store.clone();
        running.spawn(async move {
            store
                .write::<_, bedside_store::Error, _>(move |tx| {
                    Box::pin(async move {
                        for (intake, visit) in rows {
                            intakes::add(tx, &intake).await?;
                            visits::add(tx, &visit).await?;
                        }
                        Ok(())
                    })
                })
                .await
        });
    }
    while let Some(done) = running.join_next().await {
        done??;
    }
    Ok(())
}

fn row(
    account: &AccountId,
    vault: &bedside_store::Vault,
    (room, provider, member): (RoomId, UserId, UserId),
    (at, open): (At, bool),
    random: &mut StdRng,
) -> Result<(Intake, NewVisit)> {
    let hex = |random: &mut StdRng| format!("{:016x}{:016x}", random.next_u64(), random.next_u64());
    let text = hex(random);
    let id: IntakeId =
        format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
            .parse()?;
    let answers = vault.seal(&format!("intakes.answers:{id}"), br#"{"reason_for_visit":"A sore throat"}"#)?;
    let intake = Intake {
        id: id.clone(),
        account: account.clone(),
        member,
        room: Some(room),
        provider: None,
        kind: 1,
        answers,
        visit: None,
        version: 1,
        created_at: at,
        updated_at: at,
    };
    let mut state = State::new(if open { Status::Pending } else { Status::Completed }, None);
    if !open {
        state.requested_provider = Some(provider);
    }
    let plan =
        Plan { kind: Kind::WalkIn, subtype: Subtype::Video, start_at: at, end_at: at.plus_minutes(15) };
    let visit = NewVisit {
        account: account.clone(),
        code: hex(random),
        room,
        member,
        guardian: None,
        intake: id,
        plan,
        state,
        duration_minutes: 15,
        amount_cents: 0,
        consultation: None,
        description: String::new(),
        meeting: hex(random),
        conference_pin: 123_456,
        at,
    };
    Ok((intake, visit))
}

//! Makes the demo's clinic, step by step: what a former start has made already
//! is left as it is. After each step that made a secret the file is written.

use std::{fmt, path::Path};

use bedside_app::{
    Actor, App, Error, accounts, passwords,
    profile::ProfileInput,
    rooms,
    users::{self, RoomName, Which},
};
use bedside_model::{UserId, scope::Scopes};

use super::file::{Admin, DemoFile, Person, Room};

/// Code and name of the clinic.
const CODE: &str = "demo";
const NAME: &str = "Northside Clinic";
const PORTAL: &str = "Northside Clinic";

/// Slug, name and the text patients read on arrival.
const ROOMS: [(&str, &str, &str); 2] = [
    (
        "walk-in",
        "Walk-in care",
        "Coughs, rashes, fevers and everything else that should not wait. No appointment needed.",
    ),
    ("follow-up", "Follow-up", "For people whom one of our doctors has asked to come back."),
];

/// Login name, first and last name, documented number of the kind, rooms.
const PROVIDERS: [(&str, &str, &str, i64, &[&str]); 3] = [
    ("amara.osei", "Amara", "Osei", 482, &["walk-in", "follow-up"]),
    ("jonas.lind", "Jonas", "Lind", 482, &["walk-in", "follow-up"]),
    ("mei.tan", "Mei", "Tan", 482, &["walk-in"]),
];

/// Login name, first and last name, birth date.
const PATIENTS: [(&str, &str, &str, &str); 2] =
    [("maria.santos", "Maria", "Santos", "1988-04-12"), ("tom.becker", "Tom", "Becker", "1961-11-03")];

/// Why the clinic could not be made; one sentence.
#[derive(Debug)]
pub struct MakeError(String);

impl fmt::Display for MakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for MakeError {}

impl From<Error> for MakeError {
    fn from(error: Error) -> Self {
        match error {
            Error::Internal(cause) => Self(format!("The demo clinic cannot be made: {cause:?}")),
            other => Self(format!("The demo clinic cannot be made: {other}")),
        }
    }
}

impl From<std::io::Error> for MakeError {
    fn from(error: std::io::Error) -> Self {
        Self(format!("The demo's credentials cannot be kept: {error}."))
    }
}

/// Makes what is missing and writes `path` for a server at `base_url`.
///
/// # Errors
/// The file cannot be read or written, or does not fit the database.
pub async fn make(app: &App, base_url: &str, path: &Path) -> Result<DemoFile, MakeError> {
    let mut file = DemoFile::read(path)?.unwrap_or_default();
    let actor = account(app, &mut file, path).await?;
    file.base_url = base_url.to_owned();
    file.portal_base_url = base_url.to_owned();
    file.api_base = format!("{base_url}/api_v3");
    file.portal_name = PORTAL.to_owned();
    admin(app, &actor, &mut file, path).await?;
    file.rooms = all_rooms(app, &actor, base_url).await?;
    providers(app, &actor, &mut file, path).await?;
    patients(app, &actor, &mut file, path).await?;
    portal(app, &actor, base_url).await?;
    file.write(path)?;
    Ok(file)
}

async fn account(app: &App, file: &mut DemoFile, path: &Path) -> Result<Actor, MakeError> {
    match accounts::get_by_code(app, CODE).await {
        Ok(account) if file.account_code == CODE => return Ok(Actor::system(account.id)),
        Ok(_) => {
            let folder = path.parent().unwrap_or(path).display();
            return Err(MakeError(format!(
                "The demo's database is there, but the credentials in {} are not: delete the folder {folder} and start again.",
                path.display()
            )));
        }
        Err(Error::NotFound(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let command = accounts::Create { code: CODE.to_owned(), name: NAME.to_owned(), ..Default::default() };
    let created = accounts::create(app, command).await?;
    *file = DemoFile {
        account_code: CODE.to_owned(),
        api_key: created.api_key,
        api_secret: created.api_secret,
        admin_token: created.admin_token,
        ..DemoFile::default()
    };
    file.write(path)?;
    Ok(Actor::system(created.account.id))
}

/// The first admin's password, set through a one-time link as a person would.
async fn admin(app: &App, actor: &Actor, file: &mut DemoFile, path: &Path) -> Result<(), MakeError> {
    if !file.admin.password.is_empty() {
        return Ok(());
    }
    let (username, token) = accounts::admin_link(app, actor).await?;
    let password = app.random.hex();
    let command = passwords::Set {
        token,
        password: password.clone(),
        page: false,
        request_id: String::new(),
        address: String::new(),
        device: String::new(),
    };
    passwords::set(app, command).await?;
    file.admin = Admin { username, password };
    Ok(file.write(path)?)
}

async fn all_rooms(app: &App, actor: &Actor, base_url: &str) -> Result<Vec<Room>, MakeError> {
    let mut made = Vec::new();
    for (slug, name, description) in ROOMS {
        let view = match rooms::get(app, actor, slug, "").await {
            Ok(view) => view,
            Err(Error::NotFound(_)) => {
                let command = rooms::Add {
                    slug: slug.to_owned(),
                    name: name.to_owned(),
                    description: Some(description.to_owned()),
                    ..Default::default()
                };
                rooms::add(app, actor, command).await?
            }
            Err(error) => return Err(error.into()),
        };
        made.push(Room {
            id: view.room.id.to_string(),
            url: format!("{base_url}/u/{}", view.room.slug),
            code: view.room.code,
            slug: view.room.slug,
            name: view.room.name,
        });
    }
    Ok(made)
}

async fn providers(app: &App, actor: &Actor, file: &mut DemoFile, path: &Path) -> Result<(), MakeError> {
    for (at, (username, first_name, last_name, subtype, slugs)) in PROVIDERS.into_iter().enumerate() {
        if file.providers.len() <= at {
            file.providers
                .push(Person { title: "Dr".to_owned(), ..person(app, username, first_name, last_name) });
            // The password first: whoever is made below has the one that is written down.
            file.write(path)?;
        }
        let person = &mut file.providers[at];
        if !person.id.is_empty() {
            continue;
        }
        let id = add(app, actor, person, 400, Some(subtype)).await?;
        let wanted = slugs.iter().map(|slug| RoomName::Code((*slug).to_owned())).collect();
        users::assign_rooms(app, actor, Which::Id(id), wanted).await?;
        person.id = id.to_string();
        file.write(path)?;
    }
    Ok(())
}

async fn patients(app: &App, actor: &Actor, file: &mut DemoFile, path: &Path) -> Result<(), MakeError> {
    for (at, (username, first_name, last_name, dob)) in PATIENTS.into_iter().enumerate() {
        if file.patients.len() <= at {
            file.patients
                .push(Person { dob: dob.to_owned(), ..person(app, username, first_name, last_name) });
            file.write(path)?;
        }
        let person = &mut file.patients[at];
        if !person.id.is_empty() {
            continue;
        }
        person.id = add(app, actor, person, 200, None).await?.to_string();
        file.write(path)?;
    }
    Ok(())
}

fn person(app: &App, username: &str, first_name: &str, last_name: &str) -> Person {
    Person {
        code: format!("demo-{username}"),
        username: format!("{username}@demo.example"),
        password: app.random.hex(),
        first_name: first_name.to_owned(),
        last_name: last_name.to_owned(),
        ..Person::default()
    }
}

/// Adds a person; one whom an interrupted start has added is found by code.
async fn add(
    app: &App,
    actor: &Actor,
    person: &Person,
    kind: i64,
    subtype: Option<i64>,
) -> Result<UserId, MakeError> {
    let profile = ProfileInput {
        first_name: Some(person.first_name.clone()),
        last_name: Some(person.last_name.clone()),
        title: Some(person.title.clone()).filter(|title| !title.is_empty()),
        dob: Some(person.dob.clone()).filter(|dob| !dob.is_empty()),
        ..ProfileInput::default()
    };
    let command = users::Add {
        kind,
        subtype,
        code: Some(person.code.clone()),
        username: Some(person.username.clone()),
        password: Some(person.password.clone()),
        profile: profile.clone(),
        ..Default::default()
    };
    match users::add(app, actor, command).await {
        Ok(added) => Ok(added.user.id),
        Err(Error::Invalid { .. }) => {
            let who =
                Actor { who: bedside_app::Who::ApiKey { app: None, scopes: Scopes::ALL }, ..actor.clone() };
            let command = users::Sso {
                kind: Some(kind),
                code: Some(person.code.clone()),
                profile,
                ..Default::default()
            };
            Ok(users::sso(app, &who, command).await?.user.id)
        }
        Err(error) => Err(error.into()),
    }
}

/// The way back leads to the first room: the demo has no portal of its own.
async fn portal(app: &App, actor: &Actor, base_url: &str) -> Result<(), MakeError> {
    let return_url = format!("{base_url}/u/{}", ROOMS[0].0);
    let account = accounts::current(app, actor).await?;
    if account.portal_return_url != return_url || account.portal_name != PORTAL {
        let portal = accounts::Portal { name: PORTAL.to_owned(), return_url, ..Default::default() };
        accounts::update_portal(app, actor, portal).await?;
    }
    Ok(())
}

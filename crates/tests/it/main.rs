//! The integration suite: one binary, a real server per test. Runs on SQLite,
//! and on Postgres when `BEDSIDE_TEST_POSTGRES` names a server.

mod accounts;
mod api_apps;
mod audit;
mod authz;
mod backup;
mod call_door;
mod calls;
mod cli;
mod compat;
mod config;
mod cors;
mod durability;
mod errors;
mod etag;
mod events;
mod guests;
mod health;
mod idempotency;
mod intakes;
mod limits;
mod login;
mod mail;
mod openapi;
mod python_sdk;
mod rooms;
mod sealing;
mod sessions;
mod shutdown;
mod sso;
mod statements;
mod upgrade;
mod users;
mod visits;

//! The integration suite: one binary, a real server per test. Runs on SQLite,
//! and on Postgres when `BEDSIDE_TEST_POSTGRES` names a server.

mod audit;
mod authz;
mod call_door;
mod calls;
mod cli;
mod compat;
mod config;
mod durability;
mod errors;
mod events;
mod health;
mod intakes;
mod limits;
mod login;
mod openapi;
mod python_sdk;
mod rooms;
mod sessions;
mod shutdown;
mod sso;
mod users;
mod visits;

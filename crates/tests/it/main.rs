//! The integration suite: one binary, a real server per test. Runs on SQLite,
//! and on Postgres when `BEDSIDE_TEST_POSTGRES` names a server.

mod audit;
mod authz;
mod calls;
mod compat;
mod events;
mod intakes;
mod rooms;
mod visits;

//! What is true in Bedside: nouns, identifiers, state machines, permissions
//! and event payloads. Pure: no I/O, no clock, no randomness of its own.

#[macro_use]
mod words;

pub mod account;
pub mod availability;
pub mod calendar;
pub mod call;
pub mod call_peer;
pub mod call_quality;
pub mod consent;
pub mod device;
pub mod endpoint;
pub mod event;
pub mod fhir;
pub mod file;
pub mod form;
pub mod guest;
pub mod health_reading;
pub mod health_record;
pub mod identifier;
pub mod ids;
pub mod instant;
pub mod intake;
pub mod interpreter;
pub mod invoice;
pub mod log_in;
pub mod mail;
pub mod message;
pub mod money;
pub mod note;
pub mod notification;
pub mod password;
pub mod permission;
pub mod pharmacy;
pub mod phi;
pub mod prescription;
pub mod queue;
pub mod recording;
pub mod report;
pub mod room;
pub mod scope;
pub mod session;
pub mod survey;
pub mod user;
pub mod visit;
pub mod webhook;

pub use ids::{
    AccountId, AppId, FileId, GuestId, IntakeId, KeyId, RecordingId, RoomId, SessionId, TokenId, UserId,
    VisitId,
};
pub use instant::At;
pub use phi::Phi;

//! What is true in Bedside: nouns, identifiers, state machines, permissions
//! and event payloads. Pure: no I/O, no clock, no randomness of its own.

pub mod account;
pub mod availability;
pub mod call;
pub mod event;
pub mod file;
pub mod guest;
pub mod ids;
pub mod instant;
pub mod intake;
pub mod log_in;
pub mod mail;
pub mod password;
pub mod permission;
pub mod phi;
pub mod room;
pub mod scope;
pub mod user;
pub mod visit;

pub use ids::{
    AccountId, AppId, FileId, GuestId, IntakeId, KeyId, RoomId, SessionId, TokenId, UserId, VisitId,
};
pub use instant::At;
pub use phi::Phi;

//! What stands above every document of a visit: the clinic, the patient, and
//! times on the clock of the visit's room.

use bedside_model::At;
use bedside_store::{
    Conn,
    accounts::{self, Account},
    rooms,
    users::{self, User},
    visits::Visit,
};
use jiff::{Timestamp, tz::TimeZone};

use crate::{Error, Result};

/// A day and a time, as `strftime` says it.
pub(crate) const MOMENT: &str = "%B %-d, %Y, %H:%M %Z";
/// A day.
pub(crate) const DAY: &str = "%B %-d, %Y";
/// A day in a file's name.
pub(crate) const FILE_DAY: &str = "%Y-%m-%d";

pub(crate) struct Letterhead {
    pub account: Account,
    pub patient: User,
    zone: TimeZone,
}

impl Letterhead {
    pub(crate) async fn of(conn: &mut Conn, visit: &Visit) -> Result<Self> {
        let account = accounts::find(conn, &visit.account).await?;
        let patient = users::find(conn, &visit.account, visit.member).await?;
        let room = rooms::find(conn, &visit.account, visit.room).await?;
        Ok(Self {
            account: account.ok_or_else(|| Error::not_found("account"))?,
            patient: patient.ok_or_else(|| Error::not_found("user"))?,
            zone: room.map_or(TimeZone::UTC, |room| room.settings.zone()),
        })
    }

    /// An instant on the room's clock.
    pub(crate) fn on(&self, at: At, form: &str) -> String {
        let at = Timestamp::from_second(at.seconds()).unwrap_or(Timestamp::UNIX_EPOCH);
        at.to_zoned(self.zone.clone()).strftime(form).to_string()
    }
}

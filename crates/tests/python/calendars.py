"""Reads calendars with a library that is not ours.

    calendars.py FILE

FILE is a JSON list of iCalendar texts. Prints a JSON list: of each text its method and its events, with the begin and end as
UNIX seconds, once by the zone that the text itself describes and once by the zone database.
"""

import json
import sys

from icalendar import Calendar


def instants(calendar, event, name):
    """By the text's own zones, and by the database."""
    known = event[name].dt
    zones = {str(zone["TZID"]): zone.to_tz(lookup_tzid=False) for zone in calendar.walk("VTIMEZONE")}
    tzid = event[name].params.get("TZID")
    if tzid is None:
        return [int(known.timestamp())] * 2
    own = zones[tzid]
    # pytz-like zones want to be asked for the offset, others are put in.
    naive = known.replace(tzinfo=None)
    own = own.localize(naive) if hasattr(own, "localize") else naive.replace(tzinfo=own)
    return [int(own.timestamp()), int(known.timestamp())]


def read(text):
    calendar = Calendar.from_ical(text)
    events = []
    for event in calendar.walk("VEVENT"):
        # The library writes down what it could not read.
        assert not event.errors, event.errors
        events.append(
            {
                "uid": str(event["UID"]),
                "sequence": int(event["SEQUENCE"]),
                "status": str(event["STATUS"]),
                "summary": str(event["SUMMARY"]),
                "url": str(event.get("URL", "")),
                "location": str(event.get("LOCATION", "")),
                "tzid": event["DTSTART"].params.get("TZID"),
                "start": instants(calendar, event, "DTSTART"),
                "end": instants(calendar, event, "DTEND"),
                "organizer": str(event.get("ORGANIZER", "")),
                "attendee": str(event.get("ATTENDEE", "")),
            }
        )
    return {"method": str(calendar.get("METHOD", "")), "name": str(calendar.get("NAME", "")), "events": events}


def main():
    with open(sys.argv[1], encoding="utf-8", newline="") as file:
        texts = json.load(file)
    json.dump([read(text) for text in texts], sys.stdout)


main()

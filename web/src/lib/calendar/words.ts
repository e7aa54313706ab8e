// Times and states of the calendar as people read them.
import type { Visit } from '#lib/api/types.ts';
import { t } from '#lib/i18n/i18n.ts';
import { wallOf } from './zone.ts';

const noon = (date: string) => Date.parse(`${date}T12:00:00Z`);

/** "Mon 23 November" of a `YYYY-MM-DD`. */
export function dayWords(date: string, year = false): string {
	return new Intl.DateTimeFormat(undefined, {
		weekday: 'short',
		day: 'numeric',
		month: 'long',
		...(year ? { year: 'numeric' } : {}),
		timeZone: 'UTC',
	}).format(noon(date));
}

/** "23 to 29 November 2026". */
export function rangeWords(first: string, last: string): string {
	const format = new Intl.DateTimeFormat(undefined, {
		day: 'numeric',
		month: 'long',
		year: 'numeric',
		timeZone: 'UTC',
	});
	return format.formatRange(noon(first), noon(last));
}

/** "Monday", of 1 to 7. */
export function weekdayWords(day: number, style: 'long' | 'short' = 'long'): string {
	// 2024 began on a Monday.
	return new Intl.DateTimeFormat(undefined, { weekday: style, timeZone: 'UTC' }).format(
		Date.UTC(2024, 0, day, 12),
	);
}

export function listWords(items: string[]): string {
	return new Intl.ListFormat(undefined, { type: 'conjunction' }).format(items);
}

function clockFormat(zone: string): Intl.DateTimeFormat {
	return new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit', timeZone: zone });
}

export function clockWords(at: number, zone: string): string {
	return clockFormat(zone).format(at);
}

/** "10:00 – 10:30", in the reader's own habit. */
export function clockRange(start: number, end: number, zone: string): string {
	return clockFormat(zone).formatRange(start, end);
}

/** "Tue 24 November, 10:00 – 10:30". */
export function whenWords(start: number, end: number, zone: string): string {
	return `${dayWords(wallOf(start, zone).date)}, ${clockRange(start, end, zone)}`;
}

export function stateWords(visit: Visit): string {
	if (visit.missed) return t('calendar.visit_missed');
	const status = Number(visit.status);
	if (status === 10) return t('calendar.visit_pending');
	if (status === 20) return t('calendar.visit_confirmed');
	if (status === 25) return t('calendar.visit_progress');
	return t('calendar.visit_done');
}

/** "Tue 24 November, 10:00 – 12:00", or with both days when there are two. */
export function spanWords(start: number, end: number, zone: string): string {
	const [from, to] = [wallOf(start, zone), wallOf(end, zone)];
	if (from.date === to.date) return whenWords(start, end, zone);
	const words = (at: number, date: string) => `${dayWords(date)}, ${clockWords(at, zone)}`;
	return t('calendar.range', { from: words(start, from.date), until: words(end, to.date) });
}

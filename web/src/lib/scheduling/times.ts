// Free times as a patient reads them: by the days of their own clock. Instants are unix seconds, as on the wire.
import { addDays, instantOf, offsetAt, wallOf } from '#lib/calendar/zone.ts';

export interface FreeTime {
	id: string;
	start: number;
	end: number;
	provider_id: string;
}

/** One line per moment, earliest first, on the day that the reader's clock shows. Who is free is chosen later. */
export function byDay(times: readonly FreeTime[], zone: string): Map<string, FreeTime[]> {
	const days = new Map<string, FreeTime[]>();
	const seen = new Set<number>();
	for (const time of [...times].sort((a, b) => a.start - b.start)) {
		if (seen.has(time.start)) continue;
		seen.add(time.start);
		const { date } = wallOf(time.start * 1000, zone);
		const day = days.get(date);
		if (day) day.push(time);
		else days.set(date, [time]);
	}
	return days;
}

/** Minutes by which the clocks of a zone are put forward (back: negative) in the course of a day; 0 on most days. */
export function clocksChange(date: string, zone: string): number {
	const [from, until] = [
		instantOf({ date, time: '00:00' }, zone),
		instantOf({ date: addDays(date, 1), time: '00:00' }, zone),
	];
	return Math.round((offsetAt(until, zone) - offsetAt(from, zone)) / 60_000);
}

/** Do two zones show different clocks at this instant? */
export function differs(at: number, zone: string, other: string): boolean {
	return offsetAt(at * 1000, zone) !== offsetAt(at * 1000, other);
}

/** "Tuesday 3 November" in the reader's own habit. */
export function dayWords(at: number, zone: string, locale?: string): string {
	return new Intl.DateTimeFormat(locale, {
		weekday: 'long',
		day: 'numeric',
		month: 'long',
		timeZone: zone,
	}).format(at * 1000);
}

/** The parts of a day in a strip: "Tue", "3", "Nov". */
export function dayParts(
	date: string,
	locale?: string,
): { weekday: string; day: string; month: string; whole: string } {
	const at = Date.parse(`${date}T12:00:00Z`);
	const part = (options: Intl.DateTimeFormatOptions) =>
		new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' }).format(at);
	return {
		weekday: part({ weekday: 'short' }),
		day: part({ day: 'numeric' }),
		month: part({ month: 'short' }),
		whole: part({ weekday: 'long', day: 'numeric', month: 'long' }),
	};
}

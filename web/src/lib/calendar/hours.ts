// Hours in which patients may book: weekly rules on a wall clock, and single openings, as times on the calendar.
import type { Slot } from '#lib/api/types.ts';
import { addDays, instantOf, wallOf, weekday } from './zone.ts';

/** One time at which a rule is open; instants in ms. */
export interface Opening {
	rule: Slot;
	/** What the API calls this one time of the rule. */
	name: string;
	/** Its day on the rule's own clock. */
	date: string;
	start: number;
	end: number;
}

/** The openings of a rule that touch [from, to), earliest first. */
export function openings(rule: Slot, from: number, to: number): Opening[] {
	if (!rule.repeat || !rule.hours) {
		const [start, end] = [(rule.start ?? 0) * 1000, (rule.end ?? 0) * 1000];
		if (start >= to || end <= from) return [];
		return [{ rule, name: rule.id, date: wallOf(start, rule.timezone).date, start, end }];
	}
	const { days, from: first, until: last, except } = rule.repeat;
	const { from: opens, until: closes } = rule.hours;
	const found: Opening[] = [];
	const stop = wallOf(to, rule.timezone).date;
	// An opening may begin the day before and reach over midnight.
	for (
		let date = addDays(wallOf(from, rule.timezone).date, -1);
		date <= stop && found.length < 400;
		date = addDays(date, 1)
	) {
		if (!days.includes(weekday(date)) || date < first || (last && date > last)) continue;
		if (except.includes(date)) continue;
		const start = instantOf({ date, time: opens }, rule.timezone);
		const ends = closes > opens ? date : addDays(date, 1);
		const end = instantOf({ date: ends, time: closes }, rule.timezone);
		if (end > start && start < to && end > from) {
			found.push({ rule, name: `${rule.id}-${start / 1000}`, date, start, end });
		}
	}
	return found;
}

/** The openings of all rules that touch [from, to), earliest first. */
export function allOpenings(rules: Slot[], from: number, to: number): Opening[] {
	return rules
		.flatMap((rule) => openings(rule, from, to))
		.sort((one, other) => one.start - other.start || one.end - other.end);
}

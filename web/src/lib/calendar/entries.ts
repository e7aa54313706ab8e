// What the grid draws: hours and time away behind, appointments in front, all as texts of the clock that is shown.
import type { Closure, Visit } from '#lib/api/types.ts';
import { isAhead, spanOf, takesTime } from './clashes.ts';
import type { Opening } from './hours.ts';
import { wallOf } from './zone.ts';

export interface Entry {
	id: string;
	start: string;
	end: string;
	title: string;
	display: 'auto' | 'background';
	classNames: string[];
	editable: boolean;
	extendedProps: { clock: string; sign: string };
}

export interface Words {
	opening: (opening: Opening) => string;
	away: (closure: Closure) => string;
	visit: (visit: Visit) => string;
	/** "10:00 to 10:30". */
	clock: (start: number, end: number) => string;
	/** The state's word for those who do not see its colour; empty for the usual one. */
	sign: (visit: Visit) => string;
}

/** `2026-11-23T09:00:00`, as a clock of the zone shows an instant. */
export function naive(at: number, zone: string): string {
	const { date, time } = wallOf(at, zone);
	return `${date}T${time}:00`;
}

/** A naive text some ms later, by the clock on the wall. */
export function naivePlus(text: string, ms: number): string {
	return new Date(Date.parse(`${text}Z`) + ms).toISOString().slice(0, 19);
}

/** Begin and end by the clock; in the repeated hour an end may seem to lie before its begin. */
function drawn(start: number, end: number, zone: string): { start: string; end: string } {
	const [from, to] = [naive(start, zone), naive(end, zone)];
	return { start: from, end: to > from ? to : naivePlus(from, end - start) };
}

export function entries(
	shown: { openings: Opening[]; closures: Closure[]; visits: Visit[] },
	zone: string,
	words: Words,
): Entry[] {
	const behind = { display: 'background', editable: false } as const;
	const hours = shown.openings.map((opening): Entry => {
		const { start, end } = opening;
		return {
			id: `hours:${opening.name}`,
			...drawn(start, end, zone),
			...behind,
			title: words.opening(opening),
			classNames: ['hours', opening.rule.kind],
			extendedProps: { clock: '', sign: '' },
		};
	});
	const away = shown.closures.map((closure): Entry => {
		return {
			id: `away:${closure.id}`,
			...drawn(closure.start * 1000, closure.end * 1000, zone),
			...behind,
			title: words.away(closure),
			classNames: ['away'],
			extendedProps: { clock: '', sign: '' },
		};
	});
	const visits = shown.visits.map((visit): Entry => {
		const { start, end } = spanOf(visit);
		return {
			id: `visit:${visit.id}`,
			...drawn(start, end, zone),
			display: 'auto',
			editable: isAhead(visit) && visit.can_change !== false,
			title: words.visit(visit),
			classNames: [
				'visit',
				takesTime(visit) ? `status-${visit.status}` : 'over',
				end - start <= 40 * 60_000 ? 'short' : 'long',
			],
			extendedProps: { clock: words.clock(start, end), sign: words.sign(visit) },
		};
	});
	return [...hours, ...away, ...visits];
}

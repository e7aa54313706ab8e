// What an appointment at a given time would go over: the words of "Book anyway" come from here.
import type { Closure, Visit } from '#lib/api/types.ts';
import type { Opening } from './hours.ts';

export interface Span {
	/** ms. */
	start: number;
	/** ms. */
	end: number;
}

export type Clash =
	| { kind: 'visit'; visit: Visit }
	| { kind: 'away'; closure: Closure }
	| { kind: 'outside' }
	| { kind: 'past' };

export interface Known {
	visits: Visit[];
	closures: Closure[];
	openings: Opening[];
}

export function spanOf(visit: Visit): Span {
	return { start: Number(visit.start) * 1000, end: Number(visit.end) * 1000 };
}

/** Waits for its time or is in progress: it takes the provider's time. */
export function takesTime(visit: Visit): boolean {
	return [10, 20, 25].includes(Number(visit.status)) && !visit.missed;
}

/** Nobody has begun it: it can be moved and called off. */
export function isAhead(visit: Visit): boolean {
	return [10, 20].includes(Number(visit.status)) && !visit.missed;
}

function meet(one: Span, other: Span): boolean {
	return one.start < other.end && other.start < one.end;
}

/** True when the openings cover the span without a gap; hours that touch are one. */
export function covered(span: Span, openings: Opening[]): boolean {
	let at = span.start;
	for (const opening of [...openings].sort((a, b) => a.start - b.start)) {
		if (opening.rule.kind !== 'appointment' || opening.start > at) continue;
		at = Math.max(at, opening.end);
		if (at >= span.end) return true;
	}
	return at >= span.end;
}

/** What stands in the way at a time; `moving` is the visit that leaves its old time. */
export function clashes(span: Span, known: Known, now: number, moving: string | null = null): Clash[] {
	const found: Clash[] = known.visits
		.filter((visit) => visit.id !== moving && takesTime(visit) && meet(span, spanOf(visit)))
		.map((visit) => ({ kind: 'visit', visit }));
	for (const closure of known.closures) {
		if (meet(span, { start: closure.start * 1000, end: closure.end * 1000 })) {
			found.push({ kind: 'away', closure });
		}
	}
	if (!covered(span, known.openings)) found.push({ kind: 'outside' });
	if (span.end <= now) found.push({ kind: 'past' });
	return found;
}

/**
 * Which rows the waiting list shows, and in which order.
 *
 * The server's order is the truth, but a list must never move under the pointer: while it is held, rows keep
 * their places and newcomers go below. A row that somebody else took says so for a moment before it leaves.
 */

/** What the list needs of a visit; the API's visit object has more. */
export interface QueueVisit {
	id: string;
	status: number | string;
	provider_id: string | null;
	requested_provider_id?: string | null;
	waiting_since?: number | null;
	provider?: {
		id?: string | null;
		first_name?: string | null;
		last_name?: string | null;
		title?: string | null;
	} | null;
}

export type RowState = 'waiting' | 'taken' | 'left';

export interface Row<V extends QueueVisit = QueueVisit> {
	visit: V;
	state: RowState;
	/** When a row that is no longer waiting leaves the list, in ms. */
	leavesAt: number | null;
}

/** How long "Taken by Dr Lind" stays, in ms (DESIGN.md, provider dashboard). */
export const GHOST_MS = 3000;

const IN_PROGRESS = 25;
const WAITING = new Set([10, 20]);

/** The visits this provider is in, in the server's order. */
export function mine<V extends QueueVisit>(visits: V[], me: string): V[] {
	return visits.filter((visit) => Number(visit.status) === IN_PROGRESS && visit.provider_id === me);
}

/** The next list, from the last one and what the server says now. */
export function arrange<V extends QueueVisit>(
	previous: Row<V>[],
	visits: V[],
	me: string,
	now: number,
	held: boolean,
): Row<V>[] {
	const waiting = visits.filter((visit) => WAITING.has(Number(visit.status)));
	const byId = new Map(visits.map((visit) => [visit.id, visit]));
	const kept = new Map<string, Row<V>>();
	for (const row of previous) {
		const next = follow(row, byId.get(row.visit.id), me, now);
		const expired = next !== null && next.leavesAt !== null && next.leavesAt <= now;
		if (next !== null && (!expired || held)) kept.set(row.visit.id, next);
	}
	const fresh = waiting
		.filter((visit) => kept.get(visit.id)?.state !== 'waiting')
		.map((visit): Row<V> => ({ visit, state: 'waiting', leavesAt: null }));

	if (held) {
		const known = previous.flatMap((row) => kept.get(row.visit.id) ?? []);
		const back = new Set(fresh.map((row) => row.visit.id));
		return [...known.filter((row) => !back.has(row.visit.id)), ...fresh];
	}
	const rows = waiting.map((visit): Row<V> => ({ visit, state: 'waiting', leavesAt: null }));
	const shown = new Set(waiting.map((visit) => visit.id));
	previous.forEach((row, place) => {
		const ghost = kept.get(row.visit.id);
		if (ghost && !shown.has(row.visit.id)) rows.splice(Math.min(place, rows.length), 0, ghost);
	});
	return rows;
}

/** What became of a row; null when it is this provider's own visit now. */
function follow<V extends QueueVisit>(
	row: Row<V>,
	visit: V | undefined,
	me: string,
	now: number,
): Row<V> | null {
	if (visit && WAITING.has(Number(visit.status))) return { visit, state: 'waiting', leavesAt: null };
	if (row.state !== 'waiting') return row;
	if (visit && visit.provider_id === me) return null;
	const state: RowState = visit && Number(visit.status) === IN_PROGRESS ? 'taken' : 'left';
	return { visit: visit ?? row.visit, state, leavesAt: now + GHOST_MS };
}

/** The earliest moment at which a row wants to leave, in ms; null when none does. */
export function nextDeparture(rows: Row[]): number | null {
	const times = rows.flatMap((row) => row.leavesAt ?? []);
	return times.length > 0 ? Math.min(...times) : null;
}

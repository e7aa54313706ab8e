// The patient's way through one visit: which scene the page shows. Pure.
import type { VisitState } from '#lib/visits/state.ts';

export type Scene =
	| 'check'
	| 'waiting'
	/** Taken: the lamp opens, "Join now". */
	| 'ready'
	| 'call'
	/** Left the call; the visit goes on and can be rejoined. */
	| 'away'
	| 'bye'
	/** Left the waiting room by one's own press. */
	| 'exited'
	| 'cancelled'
	| 'booked'
	| 'no_video'
	/** A question in writing: the conversation, open or over. */
	| 'question';

export interface Facts {
	state: VisitState;
	/** The visit has a video call at all. */
	video: boolean;
	/** The device check is behind the patient. */
	checked: boolean;
	/** The patient is, or before a reload was, in the call. */
	joined: boolean;
	/** The patient pressed "Leave" in the call. */
	away: boolean;
	/** The patient pressed "Leave the waiting room" on this page. */
	exited: boolean;
	/** It is an e-consult. */
	question: boolean;
}

export function sceneOf(facts: Facts): Scene {
	if (facts.question && facts.state !== 'cancelled') return 'question';
	switch (facts.state) {
		case 'completed':
		case 'refunded':
			return 'bye';
		case 'cancelled':
			return facts.exited ? 'exited' : 'cancelled';
		case 'booked':
			return 'booked';
		case 'waiting':
			if (!facts.video) return 'waiting';
			return facts.checked ? 'waiting' : 'check';
		case 'in_progress':
			if (!facts.video) return 'no_video';
			if (facts.away) return 'away';
			if (facts.joined) return 'call';
			return facts.checked ? 'ready' : 'check';
	}
}

/** How full the lamp is, 0..1: by thirds as the place moves up. */
export function lampFill(ahead: number | null): number {
	if (ahead === null) return 1 / 3;
	if (ahead <= 0) return 1;
	return ahead === 1 ? 2 / 3 : 1 / 3;
}

/** A range of minutes as people say it; null when nobody can say. Never a countdown. */
export function estimate(
	ahead: number | null,
	averageMinutes: number | null,
): { low: number; high: number } | 'short' | null {
	if (ahead === null || averageMinutes === null || !(averageMinutes > 0)) return null;
	const middle = averageMinutes * (Math.max(0, ahead) + 0.5);
	const high = Math.ceil((middle * 1.35) / 5) * 5;
	if (high <= 5) return 'short';
	const low = middle * 0.75 >= 5 ? Math.floor((middle * 0.75) / 5) * 5 : 2;
	return { low, high: Math.max(high, low + 5) };
}

/** Whether a newer look at the visit means that the provider put the patient back. */
export function wasPutBack(before: VisitState | null, after: VisitState): boolean {
	return before === 'in_progress' && after === 'waiting';
}

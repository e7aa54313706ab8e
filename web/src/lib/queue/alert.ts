/**
 * When the waiting list makes itself heard: two soft notes at once, then every 30 s until somebody has seen it.
 * Pure: the page hands in the clock and plays what this says.
 */

/** Between two alerts for people nobody has seen yet, in ms. */
export const REPEAT_MS = 30_000;
/** How long one click on "Mute" lasts, in ms. */
export const MUTE_MS = 15 * 60_000;

export interface AlertState {
	/** Visits that arrived since the provider last looked. */
	unseen: string[];
	/** Every visit that is waiting now. */
	known: string[];
	lastPlayedAt: number | null;
	mutedUntil: number | null;
}

export const quiet: AlertState = { unseen: [], known: [], lastPlayedAt: null, mutedUntil: null };

/** The list changed: newcomers are unseen, the gone are forgotten. */
export function arrived(state: AlertState, waiting: string[]): AlertState {
	const known = new Set(state.known);
	const unseen = new Set(state.unseen);
	const next = waiting.filter((id) => unseen.has(id) || !known.has(id));
	return {
		...state,
		known: waiting,
		unseen: next,
		lastPlayedAt: next.length > 0 ? state.lastPlayedAt : null,
	};
}

/** The provider looked (pointer, key or focus on the visible page). */
export function seen(state: AlertState): AlertState {
	return state.unseen.length === 0 ? state : { ...state, unseen: [], lastPlayedAt: null };
}

export function mute(state: AlertState, now: number): AlertState {
	return { ...state, mutedUntil: now + MUTE_MS };
}

export function unmute(state: AlertState): AlertState {
	return { ...state, mutedUntil: null };
}

export function isMuted(state: AlertState, now: number): boolean {
	return state.mutedUntil !== null && now < state.mutedUntil;
}

/** Whether to sound now, and the state afterwards. */
export function tick(state: AlertState, now: number): { play: boolean; state: AlertState } {
	const due = state.lastPlayedAt === null || now - state.lastPlayedAt >= REPEAT_MS;
	if (state.unseen.length === 0 || !due || isMuted(state, now)) return { play: false, state };
	return { play: true, state: { ...state, lastPlayedAt: now } };
}

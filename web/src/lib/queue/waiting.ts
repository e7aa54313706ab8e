/** How long somebody has waited: in words, and how much it matters. */

/** After how many minutes a wait is long. Rooms have no promise of their own yet. */
export const PROMISE_MIN = 10;

export type WaitLevel = 'calm' | 'long' | 'very_long';

/** Whole minutes since `since` (unix s) at `now` (ms); never negative, whatever the two clocks say. */
export function minutesWaited(since: number | null | undefined, now: number): number {
	if (!since) return 0;
	return Math.max(0, Math.floor((now / 1000 - since) / 60));
}

export function waitLevel(minutes: number, promise = PROMISE_MIN): WaitLevel {
	if (minutes >= promise * 2) return 'very_long';
	return minutes >= promise ? 'long' : 'calm';
}

/** "now", "4 min", "1 h 05": one short form, so that a column of them lines up. */
export function waitWords(minutes: number): string {
	if (minutes < 1) return 'now';
	if (minutes < 60) return `${minutes} min`;
	return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')}`;
}

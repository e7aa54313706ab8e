// How long nobody has been at this browser's pages: one clock for all its windows, and none during a call. Pure but for
// the channel; the component that locks looks at it each second.

/** Seconds of warning before the lock. */
export const WARNING_S = 60;
/** How often other windows hear that somebody is here, in ms. */
const TELL_MS = 2000;

export type Presence = { state: 'here' } | { state: 'warning'; seconds: number } | { state: 'away' };

export type Word = 'here' | 'locked' | 'unlocked';

let calls = 0;

/** A call runs in this window: somebody who listens does not type. Gives the way to end it. */
export function stayUnlocked(): () => void {
	calls += 1;
	let ended = false;
	return () => {
		if (!ended) calls -= 1;
		ended = true;
	};
}

export class Idle {
	private lastAt: number;
	private toldAt = 0;

	constructor(
		private readonly tell: (word: Word) => void,
		private readonly now: () => number = Date.now,
	) {
		this.lastAt = now();
	}

	/** Somebody moved, typed or came back here. */
	touch(): void {
		const now = this.now();
		this.lastAt = now;
		if (now - this.toldAt < TELL_MS) return;
		this.toldAt = now;
		this.tell('here');
	}

	/** Somebody is at another window of this browser. */
	elsewhere(): void {
		this.lastAt = this.now();
	}

	/** How it stands in a clinic that allows this many seconds, or any number of them. */
	look(seconds: number | null): Presence {
		if (calls > 0) this.touch();
		if (seconds === null) return { state: 'here' };
		const left = Math.ceil(seconds - (this.now() - this.lastAt) / 1000);
		if (left <= 0) return { state: 'away' };
		return left <= WARNING_S ? { state: 'warning', seconds: left } : { state: 'here' };
	}
}

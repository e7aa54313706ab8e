// A guest's way to one visit: which scene the page shows. Pure.
export type GuestScene =
	/** Who are you? */
	| 'form'
	| 'waiting'
	| 'call'
	/** Left the call by one's own press; still let in. */
	| 'away'
	/** Stopped waiting. */
	| 'left'
	| 'declined'
	| 'ended'
	| 'cancelled';

export interface GuestFacts {
	/** `open`, `not_begun`, `ended`, `cancelled`, as the API tells. */
	visit: string;
	/** `waiting`, `admitted`, `declined`, `ended`; null before the person has asked. */
	place: string | null;
	away: boolean;
}

export function guestScene({ visit, place, away }: GuestFacts): GuestScene {
	if (visit === 'cancelled') return 'cancelled';
	if (visit === 'ended') return 'ended';
	switch (place) {
		case null:
			return 'form';
		case 'admitted':
			return away ? 'away' : 'call';
		case 'declined':
			return 'declined';
		case 'ended':
			// The visit goes on, the place does not: given up.
			return 'left';
		default:
			return 'waiting';
	}
}

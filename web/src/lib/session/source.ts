// Where a page's session comes from: the only place that knows. An embed puts an in-memory token in the cookie's place.
import type { Kind } from '#lib/api/types.ts';

export interface SessionSource {
	readonly kind: Kind;
	/** What every call to the API carries. */
	headers(): Record<string, string>;
	/** What the live stream's address carries. */
	query(): Record<string, string>;
}

/** The session cookie of one kind of person. The cookie counts only beside this header. */
export function cookieSession(kind: Kind): SessionSource {
	return {
		kind,
		headers: () => ({ 'X-Session-Kind': kind }),
		query: () => ({ session_kind: kind }),
	};
}

/** The one-time link of an appointment: it opens that visit alone. Its token is kept out of addresses but the stream's. */
export function linkSession(token: string): SessionSource {
	return {
		kind: 'patient',
		headers: () => ({ 'X-LinkToken': token }),
		query: () => ({ token }),
	};
}

/** A token in the memory of this page alone: a call inside another site, where cookies of ours do not reach. */
export function tokenSession(token: () => string): SessionSource {
	return {
		kind: 'patient',
		headers: () => ({ 'X-ApiToken': token() }),
		query: () => ({}),
	};
}

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

// Who is signed in on this page, for what every page shows in a corner: their language, their notifications. Reactive
// where it is read.
import { createSubscriber } from 'svelte/reactivity';
import type { Api } from '#lib/api/client.ts';
import type { SessionInfo } from '#lib/api/types.ts';

export interface Here {
	api: Api;
	session: SessionInfo;
}

let here: Here | null = null;
let changed: () => void = () => undefined;
const follow = createSubscriber((update) => {
	changed = update;
	return () => {
		changed = () => undefined;
	};
});

/** Somebody was found signed in, or nobody. */
export function noteSession(api: Api, session: SessionInfo | null): void {
	here = session === null ? null : { api, session };
	changed();
}

/** Whoever is signed in here; null for nobody, and for whoever came by a one-time link. */
export function signedIn(): Here | null {
	follow();
	return here;
}

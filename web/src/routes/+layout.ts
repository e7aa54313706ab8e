import { loadMessages } from '#lib/i18n/i18n.ts';

// One page for every address: the binary serves index.html and the browser does the rest.
export const ssr = false;
export const prerender = false;

/** Pages of those who work here, whose words are English alone. */
const staff = /^\/(providers|admin|developers|demo)(\/|$)/;

export async function load({ route }) {
	await loadMessages('shared', staff.test(route.id ?? '') ? ['en'] : undefined);
}

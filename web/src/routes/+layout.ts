import { loadMessages } from '#lib/i18n/i18n.ts';

// One page for every address: the binary serves index.html and the browser does the rest.
export const ssr = false;
export const prerender = false;

export async function load() {
	await loadMessages('shared');
}

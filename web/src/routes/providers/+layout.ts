import { loadMessages } from '#lib/i18n/i18n.ts';

export async function load() {
	await loadMessages('staff', ['en']);
}

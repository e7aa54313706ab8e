// Who is signed in on this page.
import { type Api, ApiError, ok } from '#lib/api/client.ts';
import type { SessionInfo } from '#lib/api/types.ts';
import { noteSession } from './here.ts';

/** The person behind this page's session, or null when nobody is signed in. */
export async function findSession(api: Api): Promise<SessionInfo | null> {
	try {
		const session = (await ok(api.http.GET('/session'))).data;
		noteSession(api, session);
		return session;
	} catch (reason) {
		if (reason instanceof ApiError && (reason.status === 401 || reason.status === 403)) {
			noteSession(api, null);
			return null;
		}
		throw reason;
	}
}

/** Where the patient came from and what to call it; null when the clinic has no portal. */
export function wayBack(session: SessionInfo | null): { url: string; name: string } | null {
	const url = session?.return_url ?? session?.account.portal_return_url ?? null;
	if (!session || !url || !/^(https?:\/\/|\/(?!\/))/i.test(url)) return null;
	return { url, name: session.account.portal_name || session.account.name };
}

/** "Dr Amara Osei": names of providers come with the title in front when there is one. */
export function personName(
	person: { first_name: string; last_name: string; title?: string | null } | null,
): string {
	if (!person) return '';
	const name = [person.first_name, person.last_name].filter(Boolean).join(' ');
	return person.title && !name.startsWith(person.title) ? `${person.title} ${name}` : name;
}

/** "Dr Osei": how the waiting room and the call speak of a provider. */
export function shortName(
	person: { first_name: string; last_name: string; title?: string | null } | null,
): string {
	if (!person) return '';
	const title = person.title || (/^Dr\.?\s/.test(person.first_name) ? 'Dr' : '');
	if (title && person.last_name) return `${title} ${person.last_name}`;
	return personName(person);
}

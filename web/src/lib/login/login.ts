// Signing staff in: the call, and what its refusal means in words.
import { type Api, ApiError, ok } from '#lib/api/client.ts';
import { t } from '#lib/i18n/i18n.ts';
import * as rooms from '#lib/rooms/rooms.ts';

/** Whose pages somebody signs in for. */
export type Staff = 'provider' | 'admin';

/** User types in the contract's numbers; an admin's page takes whoever may have an admin's session. */
const userType: Record<Staff, number | undefined> = { provider: 400, admin: undefined };

export async function login(api: Api, username: string, password: string): Promise<void> {
	const type = userType[api.source.kind === 'admin' ? 'admin' : 'provider'];
	await ok(
		api.http.POST('/users/login', { body: { username, password, ...(type ? { user_type: type } : {}) } }),
	);
}

/** The clinic's name before anybody is signed in: its rooms are public and each tells it. Null when none is found. */
export async function clinicName(api: Api): Promise<string | null> {
	const [room] = (await ok(api.http.GET('/rooms', { params: { query: { limit: 1 } } }))).data;
	return room ? (await rooms.get(api, room.code)).account_name : null;
}

/** One sentence for a refusal. A wrong name and a wrong password read the same. */
export function refusalWords(reason: unknown): string {
	if (!(reason instanceof ApiError) || reason.offline) return t('login.offline');
	if (reason.status === 429) return t('login.limited', { seconds: reason.retryAfter ?? 30 });
	if (reason.status === 401) return t('login.wrong');
	return reason.message;
}

const homes: Record<Staff, string> = { provider: '/providers/dashboard', admin: '/admin' };

/** The page to show after signing in: one of ours for this kind of person, never another site. */
export function safeNext(next: string | null, kind: Staff = 'provider'): string {
	const home = homes[kind];
	const below = kind === 'admin' ? '/admin' : '/providers';
	if (next === null || !/^\/(?![/\\])/.test(next) || next.includes('\\')) return home;
	const inside = next === below || next.startsWith(`${below}/`);
	return inside && !next.startsWith(`${below}/login`) ? next : home;
}

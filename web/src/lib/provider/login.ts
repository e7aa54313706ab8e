// Signing a provider in: the call, and what its refusal means in words.
import { type Api, ApiError, ok } from '#lib/api/client.ts';
import { t } from '#lib/i18n/i18n.ts';
import * as rooms from '#lib/rooms/rooms.ts';

/** Provider, in the contract's numbers. */
const PROVIDER = 400;

export async function login(api: Api, username: string, password: string): Promise<void> {
	await ok(api.http.POST('/users/login', { body: { username, password, user_type: PROVIDER } }));
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

/** The page to show after signing in: one of ours, never another site. */
export function safeNext(next: string | null): string {
	const home = '/providers/dashboard';
	if (next === null || !/^\/(?![/\\])/.test(next) || next.includes('\\')) return home;
	return next.startsWith('/providers/') && !next.startsWith('/providers/login') ? next : home;
}

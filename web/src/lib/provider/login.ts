// Signing a provider in: the call, and what its refusal means in words.
import { type Api, ApiError } from '#lib/api/client.ts';
import { t } from '#lib/i18n/i18n.ts';

/** Provider, in the contract's numbers. */
const PROVIDER = 400;

export async function login(api: Api, username: string, password: string): Promise<void> {
	await api.post('/users/login', { username, password, user_type: PROVIDER });
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

// The password calls of the API, by the names the API gives its operations.
import { type Api, type ApiError, asApiError, ok } from '#lib/api/client.ts';
import type { PasswordLink, User } from '#lib/api/types.ts';

/** Fewest characters of a password (the server has the last word). */
export const shortest = 15;

/** Asks for a link to a new password. The answer never tells whether there is such a person. */
export async function forgot(api: Api, who: string): Promise<void> {
	const body = who.includes('@') ? { email: who } : { username: who };
	await ok(api.http.POST('/users/forgot_password', { body }));
}

/** Whose link this is, without using it up. */
export async function link(api: Api, token: string): Promise<PasswordLink> {
	return (await ok(api.http.POST('/users/password_link', { body: { token } }))).data;
}

/** Sets the password and signs the person in; the link is used up. */
export async function set(api: Api, token: string, password: string): Promise<Partial<User>> {
	return (await ok(api.http.POST('/users/password', { body: { token, password } }))).data;
}

/** Why a link opens nothing. */
export type Ended = 'used' | 'expired' | 'unknown' | 'suspended';

/** What a refusal says about the link; null when it is about something else. */
export function endedBy(reason: unknown): Ended | null {
	const error: ApiError = asApiError(reason);
	if (error.status === 403) return 'suspended';
	if (error.status !== 401) return null;
	if (error.code === 'token_used') return 'used';
	return error.code === 'token_expired' ? 'expired' : 'unknown';
}

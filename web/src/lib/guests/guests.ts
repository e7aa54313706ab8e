// The guest calls of the API, by the names the API gives its operations.
import { type Api, ok } from '#lib/api/client.ts';
import type { Guest, GuestRole, Invitation, Participant } from '#lib/api/types.ts';
import { below } from '#lib/paths.ts';

export const roles: readonly GuestRole[] = ['family', 'carer', 'interpreter'];

/** What an invitation leads to, before anybody says who they are. */
export async function invitation(api: Api, code: string): Promise<Invitation> {
	return (await ok(api.http.GET('/visits/join/{code}', { params: { path: { code } } }))).data as Invitation;
}

/** Comes to the visit's door. Whoever was there before keeps the place. */
export async function join(api: Api, code: string, name: string, role: GuestRole): Promise<Guest> {
	return (await ok(api.http.POST('/visits/join', { body: { code, name, role } }))).data as unknown as Guest;
}

const path = (visit: string, guest: string) => ({ params: { path: { id: visit, guest_id: guest } } });

export async function get(api: Api, visit: string, guest: string): Promise<Guest> {
	return (await ok(api.http.GET('/visits/{id}/guests/{guest_id}', path(visit, guest)))).data as Guest;
}

export async function admit(api: Api, visit: string, guest: string): Promise<void> {
	await ok(api.http.POST('/visits/{id}/guests/{guest_id}/admit', path(visit, guest)));
}

export async function decline(api: Api, visit: string, guest: string): Promise<void> {
	await ok(api.http.POST('/visits/{id}/guests/{guest_id}/decline', path(visit, guest)));
}

/** Mutes whoever disturbs; they unmute themselves. Says whether there was anything to mute. */
export async function mute(api: Api, visit: string, user: string): Promise<boolean> {
	const request = { params: { path: { id: visit } }, body: { identity: `user-${user}` } };
	return (await ok(api.http.POST('/visits/{id}/call/mute', request))).data > 0;
}

/** Gives the own place up. */
export async function leave(api: Api, visit: string, guest: string): Promise<void> {
	await ok(api.http.POST('/visits/{id}/guests/{guest_id}/leave', path(visit, guest)));
}

export async function participants(api: Api, visit: string): Promise<Participant[]> {
	return (await ok(api.http.GET('/visits/{id}/participants', { params: { path: { id: visit } } })))
		.data as Participant[];
}

/** The page a guest comes in by. */
export function link(code: string): string {
	return new URL(below(`/visits/join/${code}`), location.href).href;
}

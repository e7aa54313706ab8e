// The queue calls of the API, by the names the API gives its operations.
import type { Api } from '#lib/api/client.ts';
import type { Visit } from '#lib/api/types.ts';

/** A room the provider works in. */
export interface AssignedRoom {
	id: string;
	code: string;
	slug: string;
	name: string;
}

/** Everybody who waits in the assigned rooms or is in a visit there, in queue order. */
export async function list(api: Api): Promise<Visit[]> {
	return (await api.list<Visit>('/visits', { status: '10,20,25', limit: 100 })).data;
}

/** The provider's completed visits that began in [from, to), both unix s, earliest first. */
export async function done(api: Api, provider: string, from: number, to: number): Promise<Visit[]> {
	const page = await api.list<Visit>('/visits', {
		status: '30',
		provider_id: provider,
		start_time: from,
		end_time: to,
		limit: 100,
	});
	return [...page.data].sort((a, b) => Number(a.actual_start ?? a.start) - Number(b.actual_start ?? b.start));
}

/** Takes a visit. One that asks for another provider needs `confirmed`. */
export function accept(api: Api, id: string, confirmed: boolean): Promise<Visit> {
	return api.post<Visit>(`/visits/${encodeURIComponent(id)}/accept`, confirmed ? { confirm: 1 } : {});
}

export function putBack(api: Api, id: string): Promise<Visit> {
	return api.post<Visit>(`/visits/${encodeURIComponent(id)}/put_back`);
}

export function complete(api: Api, id: string): Promise<Visit> {
	return api.post<Visit>(`/visits/${encodeURIComponent(id)}/complete`);
}

/** The rooms the signed-in provider is assigned to. */
export async function rooms(api: Api): Promise<AssignedRoom[]> {
	const answer = await api.get<AssignedRoom[] | { rooms: AssignedRoom[] }>('/users/-/rooms');
	return Array.isArray(answer) ? answer : answer.rooms;
}

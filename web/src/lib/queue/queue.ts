// The queue calls of the API, by the names the API gives its operations.
import { type Api, ok } from '#lib/api/client.ts';
import type { Visit } from '#lib/api/types.ts';

/** A room the provider works in. */
export interface AssignedRoom {
	id: string;
	code: string;
	slug: string;
	name: string;
}

/** An appointment waits from when its patient has come; until then it stands in the calendar alone. */
export function waitsOrRuns(visit: Pick<Visit, 'type' | 'status' | 'arrived'>): boolean {
	return Number(visit.type) !== 2 || Boolean(visit.arrived) || Number(visit.status) === 25;
}

/** Everybody who waits in the assigned rooms or is in a visit there, in queue order. */
export async function list(api: Api): Promise<Visit[]> {
	// Appointments to come stand last in the server's order, so they push nobody off the page.
	const query = { status: '10,20,25', limit: 100 };
	const visits = (await ok(api.http.GET('/visits', { params: { query } }))).data as Visit[];
	return visits.filter(waitsOrRuns);
}

/** The provider's completed visits that began in [from, to), both unix s, earliest first. */
export async function done(api: Api, provider: string, from: number, to: number): Promise<Visit[]> {
	const query = { status: '30', provider_id: provider, start_time: from, end_time: to, limit: 100 };
	const page = await ok(api.http.GET('/visits', { params: { query } }));
	return [...(page.data as Visit[])].sort(
		(a, b) => Number(a.actual_start ?? a.start) - Number(b.actual_start ?? b.start),
	);
}

/** Takes a visit. One that asks for another provider needs `confirmed`. */
export async function accept(api: Api, id: string, confirmed: boolean): Promise<Visit> {
	const body = confirmed ? { confirm: 1 } : {};
	return (await ok(api.http.POST('/visits/{id}/accept', { params: { path: { id } }, body }))).data as Visit;
}

export async function putBack(api: Api, id: string): Promise<Visit> {
	return (await ok(api.http.POST('/visits/{id}/put_back', { params: { path: { id } } }))).data as Visit;
}

export async function complete(api: Api, id: string): Promise<Visit> {
	return (await ok(api.http.POST('/visits/{id}/complete', { params: { path: { id } } }))).data as Visit;
}

/** The rooms the signed-in provider is assigned to. */
export async function rooms(api: Api): Promise<AssignedRoom[]> {
	return (await ok(api.http.GET('/users/{id}/rooms', { params: { path: { id: '-' } } }))).data;
}

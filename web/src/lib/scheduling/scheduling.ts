// The scheduling calls that a patient's pages make, by the names the API gives its operations.
import { type Api, address, ok } from '#lib/api/client.ts';
import type { Visit } from '#lib/api/types.ts';
import { personName } from '#lib/session/session.ts';
import type { FreeTime } from './times.ts';

export interface Wish {
	room_code: string;
	/** Empty is whoever is free. */
	provider_id: string;
	/** Empty is what the room offers without a choice. */
	consultation_id: string;
}

function filled<T extends Record<string, string | number>>(values: T): Partial<T> {
	return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '')) as Partial<T>;
}

/** Free times that begin in [start, end), unix s, at most 62 days. Minutes: else the consultation's. */
export async function freeTimes(
	api: Api,
	wish: Wish,
	start: number,
	end: number,
	minutes: number | null,
): Promise<FreeTime[]> {
	const query = { start, end, ...filled({ ...wish }), ...(minutes ? { duration: minutes } : {}) };
	return (await ok(api.http.GET('/availability', { params: { query } }))).data;
}

export interface Hold {
	id: string;
	provider_id: string;
	start: number;
	end: number;
	/** Unix s. */
	expires: number;
	renewable: boolean;
}

export async function hold(api: Api, wish: Wish, start: number): Promise<Hold> {
	const body = { start, ...filled({ ...wish }) };
	return (await ok(api.http.POST('/slots/hold', { body }))).data;
}

export async function renew(api: Api, id: string): Promise<Hold> {
	return (await ok(api.http.POST('/slots/hold/{id}/renew', { params: { path: { id } } }))).data;
}

/** Gives a time back, also while the page goes away: nobody waits for the answer. */
export function release(api: Api, id: string): void {
	const url = address(`/slots/hold/${encodeURIComponent(id)}`);
	fetch(url, { method: 'DELETE', headers: api.source.headers(), keepalive: true }).catch(() => undefined);
}

/** `interpreter` is the language somebody needs one for; empty for none. */
export async function addIntake(
	api: Api,
	room_code: string,
	reason_for_visit: string,
	interpreter: string,
): Promise<string> {
	const body = {
		type: 2,
		room_code,
		reason_for_visit,
		...(interpreter ? { interpreter_language: interpreter } : {}),
	};
	return (await ok(api.http.POST('/intakes', { body }))).data.id;
}

export type Booked = Visit & { one_time_link_token?: string | null };

export async function book(
	api: Api,
	wish: Wish,
	intake_id: string,
	start: number,
	end: number,
): Promise<Booked> {
	const body = { intake_id, start, end, ...filled({ ...wish }) };
	return (await ok(api.http.POST('/visits', { body }))).data as Booked;
}

/** Patients of the caller move their appointment; unix s. */
export async function move(api: Api, id: string, start: number, end: number): Promise<Visit> {
	return (await ok(api.http.POST('/visits/{id}', { params: { path: { id } }, body: { start, end } })))
		.data as Visit;
}

/** The patient of an appointment comes to wait. */
export async function arrive(api: Api, id: string): Promise<Visit> {
	return (await ok(api.http.POST('/visits/{id}/add_walkin', { params: { path: { id } } }))).data as Visit;
}

export async function cancel(api: Api, id: string): Promise<Visit> {
	return (await ok(api.http.POST('/visits/{id}/cancel', { params: { path: { id } }, body: {} })))
		.data as Visit;
}

/** The caller's appointments with a status of these, by their begin. */
export async function list(
	api: Api,
	member_id: string,
	status: string,
	sort: 'start.asc' | 'start.desc',
): Promise<Visit[]> {
	const query = { member_id, type: '2', status, sort, limit: 50 };
	return (await ok(api.http.GET('/visits', { params: { query } }))).data as Visit[];
}

export interface Provider {
	id: string;
	name: string;
}

export async function providers(api: Api, code: string): Promise<Provider[]> {
	const found = await ok(api.http.GET('/rooms/{code}/providers', { params: { path: { code } } }));
	return found.data.map((one) => ({ id: one.id, name: personName(one) }));
}

// The scheduling calls of the API, by the names the API gives its operations.
import { type Api, ApiError, ok } from '#lib/api/client.ts';
import type { Closure, Room, Slot, User, Visit } from '#lib/api/types.ts';
import * as queue from '#lib/queue/queue.ts';

export type Scope = 'this' | 'following' | 'all';

/** A room the provider works in, with what its appointments need. */
export interface Desk extends queue.AssignedRoom {
	timezone: string;
	/** Patients come here by appointment, too. */
	appointments: boolean;
	consultations: { id: string; description: string; duration: number }[];
}

export async function desks(api: Api): Promise<Desk[]> {
	const rooms = await queue.rooms(api);
	return Promise.all(
		rooms.map(async (room) => {
			const path = { code: room.code };
			const whole = (await ok(api.http.GET('/rooms/{code}', { params: { path } }))).data as Room;
			return {
				...room,
				timezone: whole.operation_settings.default_timezone,
				appointments: whole.visits.appointment?.enabled ?? false,
				consultations: whole.payment.consultations.map(({ id, description, duration }) => ({
					id,
					description,
					duration,
				})),
			};
		}),
	);
}

/** Rules and openings that touch [start, end), unix s. */
export async function slots(api: Api, provider_id: string, start: number, end: number): Promise<Slot[]> {
	const query = { provider_id, start, end };
	return (await ok(api.http.GET('/slots', { params: { query } }))).data;
}

export async function closures(
	api: Api,
	provider_id: string,
	start: number,
	end: number,
): Promise<Closure[]> {
	const query = { provider_id, start, end };
	try {
		return (await ok(api.http.GET('/closures', { params: { query } }))).data;
	} catch (reason) {
		// Whoever only plans appointments sees hours, not why somebody is away.
		if (reason instanceof ApiError && reason.status === 403) return [];
		throw reason;
	}
}

/** The provider's appointments that begin in [start, end), unix s; those called off are left out. */
export async function appointments(
	api: Api,
	provider_id: string,
	start: number,
	end: number,
): Promise<Visit[]> {
	const all: Visit[] = [];
	const query = {
		provider_id,
		type: '2',
		status: '10,20,25,30',
		start_time: start,
		end_time: end,
		sort: 'start.asc',
		limit: 100,
	};
	for (let after: string | null | undefined; ; ) {
		const page = await ok(
			api.http.GET('/visits', { params: { query: { ...query, ...(after ? { after } : {}) } } }),
		);
		all.push(...(page.data as Visit[]));
		after = page.next;
		if (!after || all.length >= 2000) return all;
	}
}

/** Hours on a wall clock; an end that is not later lies on the next day. */
export interface Hours {
	from: string;
	until: string;
}

export interface NewHours {
	room_code: string;
	kind: 'appointment' | 'oncall';
	hours: Hours;
	timezone: string;
	capacity: number;
	/** The one day, or the first one when it repeats. */
	date: string;
	/** Days of the week on which it repeats, 1 Monday to 7 Sunday; none is once. */
	days: number[];
	/** Last day; empty is for good. */
	until: string;
}

function repeat(days: number[], from: string, until: string) {
	return { freq: 'weekly', days, from, ...(until ? { until } : {}) };
}

export async function addHours(api: Api, wanted: NewHours): Promise<Slot> {
	const { days, until, date, ...rest } = wanted;
	const body = { ...rest, ...(days.length > 0 ? { repeat: repeat(days, date, until) } : { date }) };
	return (await ok(api.http.POST('/slots', { body }))).data;
}

export interface HoursChange {
	hours: Hours;
	capacity: number;
	/** The day of one opening. */
	date?: string;
	days?: number[];
	from?: string;
	until?: string;
}

export async function changeHours(api: Api, id: string, scope: Scope, change: HoursChange): Promise<Slot[]> {
	const { hours, capacity, date, days, from = '', until = '' } = change;
	const body = {
		scope,
		hours,
		capacity,
		...(days ? { repeat: repeat(days, from, until) } : { date: date ?? '' }),
	};
	return (await ok(api.http.POST('/slots/{id}', { params: { path: { id } }, body }))).data;
}

/** Deletes hours. When somebody is booked there it is refused (`slot_booked`) unless `force` keeps the bookings. */
export async function deleteHours(api: Api, id: string, scope: Scope, force: boolean): Promise<void> {
	const query = { scope, ...(force ? { force: true } : {}) };
	await ok(api.http.DELETE('/slots/{id}', { params: { path: { id }, query } }));
}

/** Unix s. */
export async function addClosure(
	api: Api,
	provider_id: string,
	start: number,
	end: number,
	reason: string,
): Promise<Closure> {
	const body = { provider_id, start, end, reason };
	return (await ok(api.http.POST('/closures', { body }))).data;
}

export async function deleteClosure(api: Api, id: string): Promise<void> {
	await ok(api.http.DELETE('/closures/{id}', { params: { path: { id } } }));
}

export type Patient = Pick<User, 'id' | 'first_name' | 'last_name' | 'dob' | 'email'>;

/** Patients whose name or e-mail address contains a piece of at least three characters. */
export async function patients(api: Api, q: string): Promise<Patient[]> {
	const query = { q, type: '200', limit: 8, fields: 'first_name,last_name,dob,email' };
	return (await ok(api.http.GET('/users', { params: { query } }))).data as Patient[];
}

/** Staff go over what stands in the way, and say why. */
export interface Override {
	force: boolean;
	reason: string;
}

function overriding(override: Override | null) {
	if (!override) return {};
	return { override: 1, reason: override.reason, ...(override.force ? { force: 1 } : {}) };
}

/** The papers of an appointment; without them there is none. */
export async function addIntake(
	api: Api,
	member_id: string,
	room_code: string,
	reason_for_visit: string,
): Promise<string> {
	const body = { member_id, room_code, reason_for_visit, type: 2 };
	return (await ok(api.http.POST('/intakes', { body }))).data.id;
}

export interface NewAppointment {
	intake_id: string;
	room_code: string;
	provider_id: string;
	consultation_id: string;
	/** Unix s. */
	start: number;
	/** Unix s. */
	end: number;
	/** Once a week, so many times; 1 is once. */
	times: number;
}

export async function book(api: Api, wanted: NewAppointment, override: Override | null): Promise<Visit> {
	const { times, consultation_id, ...rest } = wanted;
	const body = {
		...rest,
		...(consultation_id ? { consultation_id } : {}),
		...(times > 1 ? { repeat: { freq: 'weekly', count: times } } : {}),
		...overriding(override),
	};
	return (await ok(api.http.POST('/visits', { body }))).data as Visit;
}

/** Moves an appointment; unix s. */
export async function move(
	api: Api,
	id: string,
	start: number,
	end: number,
	scope: Scope,
	override: Override | null,
): Promise<Visit> {
	const body = { start, end, ...(scope === 'this' ? {} : { scope }), ...overriding(override) };
	return (await ok(api.http.POST('/visits/{id}', { params: { path: { id } }, body }))).data as Visit;
}

export async function cancel(api: Api, id: string, scope: Scope): Promise<void> {
	const body = scope === 'this' ? {} : { scope };
	await ok(api.http.POST('/visits/{id}/cancel', { params: { path: { id } }, body }));
}

/** Makes sure of an appointment that waits for the clinic's word. */
export async function confirm(api: Api, id: string): Promise<void> {
	await ok(api.http.POST('/visits/{id}/confirm', { params: { path: { id } } }));
}

// The visit calls of the API, by the names the API gives its operations.
import { type Api, ok } from '#lib/api/client.ts';
import type { CallTicket, CloseReason, Visit } from '#lib/api/types.ts';
import type { CallRecord } from '#lib/call/record.ts';

export async function get(api: Api, id: string): Promise<Visit> {
	return (await ok(api.http.GET('/visits/{id}', { params: { path: { id } } }))).data as Visit;
}

/** Enters a room's queue. A patient who already waits there comes back to that visit. */
export async function addWalkin(
	api: Api,
	walkin: { intake_id: string; room_code: string; provider_id?: string },
): Promise<Visit> {
	return (await ok(api.http.POST('/visits/add_walkin', { body: walkin }))).data as Visit;
}

export async function close(api: Api, id: string, reason: CloseReason): Promise<Visit> {
	return (await ok(api.http.POST('/visits/{id}/close', { params: { path: { id } }, body: { reason } })))
		.data as Visit;
}

/** The ticket into the visit's call, for whoever may enter now. */
export async function call(api: Api, id: string): Promise<CallTicket> {
	return (await ok(api.http.POST('/visits/{id}/call', { params: { path: { id } } }))).data;
}

/** How this page's connection to the call is. Goes out even while the page is being left. */
export async function tellQuality(api: Api, id: string, record: CallRecord): Promise<void> {
	await ok(
		api.http.POST('/visits/{id}/call/quality', {
			params: { path: { id } },
			body: record,
			keepalive: true,
		}),
	);
}

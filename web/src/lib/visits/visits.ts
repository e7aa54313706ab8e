// The visit calls of the API, by the names the API gives its operations.
import type { Api } from '#lib/api/client.ts';
import type { CallTicket, CloseReason, Visit } from '#lib/api/types.ts';

export function get(api: Api, id: string): Promise<Visit> {
	return api.get<Visit>(`/visits/${encodeURIComponent(id)}`);
}

/** Enters a room's queue. A patient who already waits there comes back to that visit. */
export function addWalkin(
	api: Api,
	walkin: { intake_id: string; room_code: string; provider_id?: string },
): Promise<Visit> {
	return api.post<Visit>('/visits/add_walkin', walkin);
}

export function close(api: Api, id: string, reason: CloseReason): Promise<Visit> {
	return api.post<Visit>(`/visits/${encodeURIComponent(id)}/close`, { reason });
}

/** The ticket into the visit's call, for whoever may enter now. */
export function call(api: Api, id: string): Promise<CallTicket> {
	return api.post<CallTicket>(`/visits/${encodeURIComponent(id)}/call`);
}

// The room calls of the API that pages need.
import type { Api } from '#lib/api/client.ts';
import type { Queue, Room } from '#lib/api/types.ts';

/** A room by its code or its slug. */
export function get(api: Api, code: string): Promise<Room> {
	return api.get<Room>(`/rooms/${encodeURIComponent(code)}`);
}

export function queue(api: Api, code: string): Promise<Queue> {
	return api.get<Queue>(`/rooms/${encodeURIComponent(code)}/queue`);
}

// The room calls of the API that pages need.
import { type Api, ok } from '#lib/api/client.ts';
import type { Queue, Room } from '#lib/api/types.ts';

/** A room by its code or its slug. */
export async function get(api: Api, code: string): Promise<Room> {
	return (await ok(api.http.GET('/rooms/{code}', { params: { path: { code } } }))).data as Room;
}

export async function queue(api: Api, code: string): Promise<Queue> {
	return (await ok(api.http.GET('/rooms/{code}/queue', { params: { path: { code } } }))).data;
}

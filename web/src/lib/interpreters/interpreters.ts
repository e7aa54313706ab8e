// The interpreter calls of the API.
import { type Api, ok } from '#lib/api/client.ts';
import type { InterpreterSearch } from '#lib/api/types.ts';

const path = (visit: string) => ({ params: { path: { id: visit } } });

/** How the search of a visit stands, and which language its patient wants. */
export async function get(api: Api, visit: string): Promise<InterpreterSearch> {
	return (await ok(api.http.GET('/visits/{id}/interpreter', path(visit)))).data as InterpreterSearch;
}

/** Asks the first interpreter of a language; a second press changes nothing. */
export async function ask(api: Api, visit: string, language: string): Promise<InterpreterSearch> {
	const request = { ...path(visit), body: { language } };
	return (await ok(api.http.POST('/visits/{id}/interpreter', request))).data as InterpreterSearch;
}

/** Calls the search off. */
export async function cancel(api: Api, visit: string): Promise<InterpreterSearch> {
	return (await ok(api.http.DELETE('/visits/{id}/interpreter', path(visit)))).data as InterpreterSearch;
}

/** The languages for which the clinic can ask somebody now. */
export async function offered(api: Api): Promise<string[]> {
	const { data } = await ok(api.http.GET('/interpreters'));
	const spoken = data.filter((one) => one.active).flatMap((one) => one.languages);
	return [...new Set(spoken)].sort();
}

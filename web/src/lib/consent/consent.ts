// Consent before a visit: what the server says is missing is shown, and agreed to or not. Loaded when it is asked for.
import { mount, unmount } from 'svelte';
import { type Api, ok } from '#lib/api/client.ts';
import type { components } from '#lib/api/schema.ts';
import { currentLocale } from '#lib/i18n/i18n.ts';
import ConsentDialog from './ConsentDialog.svelte';

export type ConsentDocument = components['schemas']['ConsentDocument'];

/** What a `consent_missing` says: which document, and for whom. */
export interface Missing {
	document_id: string;
	user_id: string;
}

export async function read(api: Api, id: string): Promise<ConsentDocument> {
	const params = { path: { id }, query: { language: currentLocale() } };
	return (await ok(api.http.GET('/consent_documents/{id}', { params }))).data;
}

export async function sign(api: Api, missing: Missing, shown: ConsentDocument, name: string): Promise<void> {
	const body = {
		document_id: shown.id,
		version: shown.version,
		language: [shown.language],
		typed_name: name,
	};
	const params = { path: { id: missing.user_id } };
	await ok(api.http.POST('/users/{id}/consents', { params, body }));
}

let asking: Promise<boolean> | null = null;

/** Asks for the missing consent; true once it is given. Two calls at once ask once. */
export function agree(api: Api, missing: Missing): Promise<boolean> {
	asking ??= ask(api, missing).finally(() => {
		asking = null;
	});
	return asking;
}

async function ask(api: Api, missing: Missing): Promise<boolean> {
	const shown = await read(api, missing.document_id);
	return new Promise((resolve) => {
		const dialog = mount(ConsentDialog, {
			target: document.body,
			props: {
				api,
				missing,
				shown,
				ondone: (agreed: boolean) => {
					void unmount(dialog);
					resolve(agreed);
				},
			},
		});
	});
}

// A file on its way to a visit's conversation. The browser's older request says how far it is; fetch does not.
import { type Api, ApiError, apiBase } from '#lib/api/client.ts';
import type { MessageKey } from '#lib/i18n/i18n.ts';

export interface Upload {
	/** The file's id, once the clinic has it. */
	done: Promise<string>;
	/** Nobody wants it any more. */
	abort(): void;
}

/** Sends a file and tells its share, from 0 to 1. Refusals are thrown as an `ApiError`. */
export function upload(api: Api, visit: string, file: File, onShare: (share: number) => void): Upload {
	const form = new FormData();
	// The server reads part by part: where the file belongs comes before its bytes.
	form.set('meta.category', 'chat_attachment');
	form.set('meta.target.type', 'visit');
	form.set('meta.target.id', visit);
	form.set('file', file, file.name);
	const request = new XMLHttpRequest();
	const done = new Promise<string>((resolve, reject) => {
		request.open('POST', `${apiBase}/files`);
		request.setRequestHeader('accept', 'application/json');
		for (const [name, value] of Object.entries(api.source.headers())) request.setRequestHeader(name, value);
		request.upload.onprogress = (event) => {
			if (event.lengthComputable && event.total > 0) onShare(event.loaded / event.total);
		};
		request.onload = () => {
			const body = parsed(request.responseText);
			const id = (body?.data as { id?: unknown } | undefined)?.id;
			if (request.status === 200 && typeof id === 'string') resolve(id);
			else reject(new ApiError(request.status, body as ApiError['body']));
		};
		request.onerror = () => reject(new ApiError(0, null));
		request.onabort = () => reject(new ApiError(0, null));
		request.send(form);
	});
	return { done, abort: () => request.abort() };
}

function parsed(text: string): Record<string, unknown> | null {
	try {
		return JSON.parse(text) as Record<string, unknown>;
	} catch {
		return null;
	}
}

const refusals: Record<string, MessageKey> = {
	file_too_large: 'chat.file.too_large',
	file_type_not_allowed: 'chat.file.type',
	image_too_large: 'chat.file.pixels',
	image_not_readable: 'chat.file.damaged',
};

/** Why a file is not taken; null for what may pass, so that trying again is worth it. */
export function refusalOf(error: ApiError): MessageKey | null {
	const known = refusals[error.code];
	if (known) return known;
	// A proxy in front may have a limit of its own, and say so without our words.
	if (error.status === 413) return 'chat.file.too_large';
	if (error.status === 400 && error.fields.file) return 'chat.file.empty';
	return null;
}

/** Pictures that every browser shows, by the name's ending. */
export function isPicture(ext: string): boolean {
	return ['jpg', 'jpeg', 'png', 'gif', 'webp'].includes(ext.toLowerCase());
}

/** The address of a smaller form of a picture. */
export function preview(path: string): string {
	return `${path}${path.includes('?') ? '&' : '?'}size=480x360`;
}

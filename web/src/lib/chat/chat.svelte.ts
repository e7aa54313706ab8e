// One visit's conversation: what was said, what is on its way, what was not sent yet. Shows nothing itself.
import { type Api, asApiError, ok } from '#lib/api/client.ts';
import type { Message } from '#lib/api/types.ts';
import type { MessageKey } from '#lib/i18n/i18n.ts';
import { append, lastNumber } from './thread.ts';
import { refusalOf, type Upload, upload } from './upload.ts';

/** A file that goes with a message. */
export interface Attachment {
	file: File;
	/** How much of it the clinic has, from 0 to 1. */
	share: number;
	/** Its id there, once it has arrived: it is not sent twice. */
	id: string | null;
	/** Why the clinic does not take it, ever. */
	refused: MessageKey | null;
}

/** What this person wrote and the server does not have yet. */
export interface Unsent {
	clientId: string;
	text: string;
	attachment: Attachment | null;
	/** Why it was not sent; null while it is on its way. */
	problem: string | null;
}

/** A file's link works for 15 minutes. */
const LINK_MS = 10 * 60_000;

const draftKey = (visit: string) => `bedside.draft.${visit}`;

function recallDraft(visit: string): string {
	try {
		return sessionStorage.getItem(draftKey(visit)) ?? '';
	} catch {
		// Storage can be forbidden; then a reload forgets the draft.
		return '';
	}
}

export class Chat {
	readonly visit: string;
	/** Whose side this is; the patient's, where a link knows nobody. */
	readonly me: string | null;
	messages: Message[] = $state.raw([]);
	unsent: Unsent[] = $state.raw([]);
	loaded = $state(false);
	/** The conversation is over: it can be read, nothing can be added. */
	closed = $state(false);
	problem = $state('');
	/** Numbers up to this one were shown to this person. */
	seen = $state(0);
	#draft = $state('');
	#reading: Promise<void> | null = null;
	#again = false;
	readonly #uploads = new Map<string, Upload>();
	/** Links of files as they came first, and when: a new one for every look would load every picture anew. */
	readonly #links = new Map<string, { path: string; at: number }>();

	constructor(
		private readonly api: Api,
		visit: string,
		me: string | null,
	) {
		this.visit = visit;
		this.me = me;
		this.#draft = recallDraft(visit);
	}

	get draft(): string {
		return this.#draft;
	}

	set draft(text: string) {
		this.#draft = text;
		try {
			if (text === '') sessionStorage.removeItem(draftKey(this.visit));
			else sessionStorage.setItem(draftKey(this.visit), text);
		} catch {
			// See above.
		}
	}

	/** How many of the others' messages were not shown yet. */
	get unread(): number {
		return this.messages.filter((message) => message.number > this.seen && !this.isMine(message)).length;
	}

	isMine(message: Message): boolean {
		return this.me === null ? message.sender_role === 'patient' : message.sender_id === this.me;
	}

	/** Whoever came by a one-time link is nobody whose files could be kept. */
	get mayAttach(): boolean {
		return this.me !== null;
	}

	/** A file's address, the same until it is about to end. */
	linkOf(file: { id: string; path: string }): string {
		const known = this.#links.get(file.id);
		if (known && Date.now() - known.at < LINK_MS) return known.path;
		this.#links.set(file.id, { path: file.path, at: Date.now() });
		return file.path;
	}

	/** Reads what is new; one look at a time, and one more when asked meanwhile. */
	refresh(): Promise<void> {
		if (this.#reading) {
			this.#again = true;
			return this.#reading;
		}
		this.#reading = this.#look().finally(() => {
			this.#reading = null;
			if (!this.#again) return;
			this.#again = false;
			void this.refresh();
		});
		return this.#reading;
	}

	/** Read marks can change on what is there already: everything is read again then. */
	async #look(): Promise<void> {
		try {
			let after = 0;
			let messages: Message[] = [];
			for (;;) {
				const page = await ok(
					this.api.http.GET('/visits/{id}/messages', {
						params: { path: { id: this.visit }, query: { after, limit: 200 } },
					}),
				);
				messages = append(messages, page.data as Message[]);
				if (!page.next) break;
				after = Number(page.next);
			}
			this.messages = messages;
			if (!this.loaded) this.seen = this.#readBefore(messages);
			this.loaded = true;
			this.problem = '';
		} catch (reason) {
			this.problem = asApiError(reason).message;
		}
	}

	/** What this person has read by the server's own account. */
	#readBefore(messages: Message[]): number {
		const read = messages.filter(
			(one) => this.isMine(one) || (this.me !== null && one.read_by.includes(this.me)),
		);
		return lastNumber(read);
	}

	/** Everything there is was shown. */
	async show(): Promise<void> {
		const last = lastNumber(this.messages);
		if (last <= this.seen) return;
		this.seen = last;
		await ok(
			this.api.http.POST('/visits/{id}/messages/read', {
				params: { path: { id: this.visit } },
				body: { up_to: last },
			}),
		).catch(() => undefined);
	}

	async send(): Promise<void> {
		const text = this.draft.trim();
		if (text === '' || this.closed) return;
		this.draft = '';
		await this.#say(text, null);
	}

	/** Sends a file, with what stands in the field. */
	async attach(file: File): Promise<void> {
		if (this.closed || !this.mayAttach) return;
		const text = this.draft.trim();
		this.draft = '';
		await this.#say(text, { file, share: 0, id: null, refused: null });
	}

	async #say(text: string, attachment: Attachment | null): Promise<void> {
		const one: Unsent = { clientId: crypto.randomUUID(), text, attachment, problem: null };
		this.unsent = [...this.unsent, one];
		await this.#deliver(one);
	}

	/** What was not sent is not wanted any more; its words come back into an empty field. */
	drop(clientId: string): void {
		const one = this.unsent.find((each) => each.clientId === clientId);
		this.#uploads.get(clientId)?.abort();
		this.unsent = this.unsent.filter((each) => each.clientId !== clientId);
		if (one?.text && this.draft === '') this.draft = one.text;
	}

	async retry(clientId: string): Promise<void> {
		const one = this.unsent.find((each) => each.clientId === clientId);
		if (!one) return;
		this.#mark(clientId, null);
		await this.#deliver(one);
	}

	/** The name of its own makes a second try harmless. */
	async #deliver(one: Unsent): Promise<void> {
		try {
			const file = one.attachment === null ? null : await this.#bring(one.clientId, one.attachment);
			if (!this.unsent.some((each) => each.clientId === one.clientId)) return;
			const { data } = await ok(
				this.api.http.POST('/visits/{id}/messages', {
					params: { path: { id: this.visit } },
					body: {
						client_id: one.clientId,
						...(one.text === '' ? {} : { text: one.text }),
						...(file === null ? {} : { file_id: file }),
					},
				}),
			);
			this.unsent = this.unsent.filter((each) => each.clientId !== one.clientId);
			this.messages = append(this.messages, [data as Message]);
			this.seen = Math.max(this.seen, data.number);
		} catch (reason) {
			const error = asApiError(reason);
			if (error.code === 'visit_closed') this.closed = true;
			this.#attached(one.clientId, { refused: refusalOf(error) });
			this.#mark(one.clientId, error.message);
		}
	}

	/** The id of an attachment, which is sent if the clinic does not have it yet. */
	async #bring(clientId: string, attachment: Attachment): Promise<string> {
		if (attachment.id !== null) return attachment.id;
		const share = (now: number) => this.#attached(clientId, { share: now });
		const under = upload(this.api, this.visit, attachment.file, share);
		this.#uploads.set(clientId, under);
		try {
			const id = await under.done;
			this.#attached(clientId, { id, share: 1 });
			return id;
		} finally {
			this.#uploads.delete(clientId);
		}
	}

	#attached(clientId: string, change: Partial<Attachment>): void {
		this.unsent = this.unsent.map((each) =>
			each.clientId === clientId && each.attachment
				? { ...each, attachment: { ...each.attachment, ...change } }
				: each,
		);
	}

	#mark(clientId: string, problem: string | null): void {
		this.unsent = this.unsent.map((each) => (each.clientId === clientId ? { ...each, problem } : each));
	}
}

// The page's end of the line to the site around it. Speaks to one origin and hears one window, whoever else calls.
import { readToPage, type ToPage, type ToSite, wrap } from './protocol.ts';

export class Bridge {
	readonly #origin: string | null;
	readonly #parent: Window;
	readonly #own: Window;
	#heed: ((message: ToPage) => void) | null = null;

	/** `origin` is the site's; without one nobody is spoken with. */
	constructor(origin: string | null, own: Window = window) {
		this.#own = own;
		this.#parent = own.parent;
		this.#origin = own.parent === own ? null : origin;
	}

	/** A site drives this page. */
	get driven(): boolean {
		return this.#origin !== null;
	}

	/** Begins to listen, and says that the page stands. */
	open(heed: (message: ToPage) => void): void {
		this.#heed = heed;
		this.#own.addEventListener('message', this.#hear);
		this.send({ kind: 'hello' });
	}

	close(): void {
		this.#own.removeEventListener('message', this.#hear);
		this.#heed = null;
	}

	send(message: ToSite): void {
		// The browser keeps it from a parent of any other origin.
		if (this.#origin !== null) this.#parent.postMessage(wrap(message), this.#origin);
	}

	#hear = (event: MessageEvent) => {
		if (this.#origin === null || event.source !== this.#parent || event.origin !== this.#origin) return;
		const message = readToPage(event.data);
		if (message) this.#heed?.(message);
	};
}

// Raised hands: told to the others in the call, and to whoever comes later. Pure but for the sending.

/** The topic under which pages of a call tell each other of their hands. */
export const handTopic = 'bedside.hand';

export type SendData = (bytes: Uint8Array, to?: string) => void;

export class Hands {
	#up = new Map<string, number>();
	#mine: number | null = null;
	readonly #send: SendData;

	constructor(send: SendData) {
		this.#send = send;
	}

	/** Since when each raised hand is up, in ms, by identity; ours is not among them. */
	get up(): ReadonlyMap<string, number> {
		return this.#up;
	}

	get mine(): number | null {
		return this.#mine;
	}

	raise(up: boolean, now = Date.now()): void {
		this.#mine = up ? now : null;
		this.#send(this.#word());
	}

	/** Somebody came who has not seen our hand yet. */
	greet(identity: string): void {
		if (this.#mine !== null) this.#send(this.#word(), identity);
	}

	/** What another page says of its hand; true when that is news. */
	hear(identity: string, bytes: Uint8Array, now = Date.now()): boolean {
		let up: unknown;
		try {
			up = (JSON.parse(new TextDecoder().decode(bytes)) as { up?: unknown } | null)?.up;
		} catch {
			return false;
		}
		if (typeof up !== 'boolean' || up === this.#up.has(identity)) return false;
		if (up) this.#up.set(identity, now);
		else this.#up.delete(identity);
		return true;
	}

	gone(identity: string): void {
		this.#up.delete(identity);
	}

	#word(): Uint8Array {
		return new TextEncoder().encode(JSON.stringify({ up: this.#mine !== null }));
	}
}

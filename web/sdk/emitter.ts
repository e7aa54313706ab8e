// Listeners by name, in the several spellings that Jitsi's external API has for them.

export type Listener = (data: Record<string, unknown>) => void;

export class Emitter {
	#listeners = new Map<string, { listener: Listener; once: boolean }[]>();

	addListener(name: string, listener: Listener): this {
		return this.#add(name, listener, false);
	}

	once(name: string, listener: Listener): this {
		return this.#add(name, listener, true);
	}

	#add(name: string, listener: Listener, once: boolean): this {
		this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), { listener, once }]);
		return this;
	}

	removeListener(name: string, listener: Listener): this {
		const left = this.#listeners.get(name)?.filter((each) => each.listener !== listener) ?? [];
		if (left.length > 0) this.#listeners.set(name, left);
		else this.#listeners.delete(name);
		return this;
	}

	on(name: string, listener: Listener): this {
		return this.addListener(name, listener);
	}

	off(name: string, listener: Listener): this {
		return this.removeListener(name, listener);
	}

	addEventListener(name: string, listener: Listener): void {
		this.addListener(name, listener);
	}

	addEventListeners(listeners: Record<string, Listener>): void {
		for (const [name, listener] of Object.entries(listeners)) this.addListener(name, listener);
	}

	/** All listeners of a name: Jitsi's spelling takes no listener. */
	removeEventListener(name: string): void {
		this.removeAllListeners(name);
	}

	removeEventListeners(names: string[]): void {
		for (const name of names) this.removeAllListeners(name);
	}

	removeAllListeners(name?: string): this {
		if (name === undefined) this.#listeners.clear();
		else this.#listeners.delete(name);
		return this;
	}

	listenerCount(name: string): number {
		return this.#listeners.get(name)?.length ?? 0;
	}

	/** A listener that throws does not keep the others from hearing. */
	emit(name: string, data: Record<string, unknown>): boolean {
		const listeners = [...(this.#listeners.get(name) ?? [])];
		for (const { listener, once } of listeners) {
			if (once) this.removeListener(name, listener);
			try {
				listener(data);
			} catch (reason) {
				setTimeout(() => {
					throw reason;
				});
			}
		}
		return listeners.length > 0;
	}
}

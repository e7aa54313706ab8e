// A value with listeners, in the shape that Svelte's `$value` reads. No framework needed to use it.

export class Observable<T extends object> {
	#value: T;
	#listeners = new Set<(value: T) => void>();

	constructor(value: T) {
		this.#value = value;
	}

	get value(): T {
		return this.#value;
	}

	/** Calls at once with the present value, then after each change. */
	subscribe(listener: (value: T) => void): () => void {
		this.#listeners.add(listener);
		listener(this.#value);
		return () => this.#listeners.delete(listener);
	}

	patch(change: Partial<T>): void {
		const keys = Object.keys(change) as (keyof T)[];
		if (keys.every((key) => Object.is(this.#value[key], change[key]))) return;
		this.#value = { ...this.#value, ...change };
		for (const listener of [...this.#listeners]) listener(this.#value);
	}
}

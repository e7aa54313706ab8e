// The search for an interpreter of the visit a provider is in.
import { type Api, asApiError } from '#lib/api/client.ts';
import type { InterpreterSearch } from '#lib/api/types.ts';
import * as interpreters from './interpreters.ts';

export class VisitInterpreter {
	search: InterpreterSearch | null = $state.raw(null);
	/** Tags of what the clinic can ask somebody for. */
	languages: string[] = $state.raw([]);
	busy: 'ask' | 'cancel' | null = $state(null);
	problem: string | null = $state(null);

	#closed = false;

	constructor(
		readonly api: Api,
		readonly visit: string,
	) {
		void this.#open();
	}

	async #open(): Promise<void> {
		try {
			const languages = await interpreters.offered(this.api);
			if (!this.#closed) this.languages = languages;
		} catch {
			// Without the list nobody can be asked; the desk itself says when the connection is gone.
		}
		await this.refresh();
	}

	async refresh(): Promise<void> {
		if (this.busy) return;
		try {
			const search = await interpreters.get(this.api, this.visit);
			if (!this.#closed && !this.busy) this.search = search;
		} catch {
			// The last one stands.
		}
	}

	ask(language: string): Promise<void> {
		return this.#act('ask', () => interpreters.ask(this.api, this.visit, language));
	}

	cancel(): Promise<void> {
		return this.#act('cancel', () => interpreters.cancel(this.api, this.visit));
	}

	async #act(what: 'ask' | 'cancel', act: () => Promise<InterpreterSearch>): Promise<void> {
		if (this.busy) return;
		this.busy = what;
		this.problem = null;
		try {
			this.search = await act();
		} catch (reason) {
			this.problem = asApiError(reason).message;
		}
		this.busy = null;
	}

	close(): void {
		this.#closed = true;
	}
}

// The search for an interpreter of the visit a provider is in.
import { type Api, asApiError } from '#lib/api/client.ts';
import type { InterpreterSearch } from '#lib/api/types.ts';
import * as interpreters from './interpreters.ts';

const lookEveryMs = 10_000;

export class VisitInterpreter {
	search: InterpreterSearch | null = $state.raw(null);
	/** Tags of what the clinic can ask somebody for; null while they are not known. */
	languages: string[] | null = $state.raw(null);
	busy: 'ask' | 'cancel' | null = $state(null);
	problem: string | null = $state(null);

	#timer: ReturnType<typeof setInterval>;
	#closed = false;

	constructor(
		readonly api: Api,
		readonly visit: string,
	) {
		// Events tell of every step; while the line that brings them is gone, a look now and then does.
		this.#timer = setInterval(() => {
			if (this.languages === null || this.search === null || this.search.status === 'asking')
				void this.refresh();
		}, lookEveryMs);
		void this.refresh();
	}

	async refresh(): Promise<void> {
		if (this.busy) return;
		try {
			const languages = this.languages ?? (await interpreters.offered(this.api));
			const search = await interpreters.get(this.api, this.visit);
			if (this.#closed || this.busy) return;
			this.languages = languages;
			this.search = search;
		} catch {
			// What was last known stands; the desk itself says when the connection is gone.
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
		clearInterval(this.#timer);
	}
}

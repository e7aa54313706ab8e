// One thing that somebody asked for: while it runs a second click does nothing, and what went wrong is said at its field.
import { asApiError } from '#lib/api/client.ts';
import { t } from '#lib/i18n/i18n.ts';

export class Act {
	busy = $state(false);
	/** What went wrong, when no field is to blame. */
	problem = $state('');
	errors: Record<string, string> = $state.raw({});

	/** True when it was done. `fields` are those which the form shows. */
	async run(what: () => Promise<void>, fields: readonly string[] = []): Promise<boolean> {
		if (this.busy) return false;
		this.busy = true;
		this.clear();
		try {
			await what();
			return true;
		} catch (fault) {
			const error = asApiError(fault);
			this.errors = error.fields;
			const shown = fields.some((name) => error.fields[name]);
			this.problem = error.offline ? t('loading.failed') : shown ? '' : error.message;
			return false;
		} finally {
			this.busy = false;
		}
	}

	clear(): void {
		this.problem = '';
		this.errors = {};
	}
}

/** Puts the focus on the first field that is wrong. */
export function focusWrong(form: HTMLElement | undefined): void {
	requestAnimationFrame(() => form?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
}

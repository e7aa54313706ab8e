// The steps of a portal's integration as commands, with one visit's live values.
import { t } from '#lib/i18n/i18n.ts';
import { quote } from './curl.ts';
import { curlOf, type Place, type PortalCall } from './log.ts';
import type { Links } from './stage.svelte.ts';

export interface Step {
	title: string;
	curl: string;
}

/** The seven steps in their order: the browsers come in before the portal reads what became of the visit. */
export function stepsOf(calls: PortalCall[], links: Links, place: Place): Step[] {
	const steps: Step[] = calls.map((call, id) => ({
		title: call.title,
		curl: curlOf({ id, kind: 'call', call: { ...call, ms: 0 }, portal: call }, place),
	}));
	const open = (title: string, url: string | null): Step[] =>
		url ? [{ title, curl: `curl -sS -i ${quote(new URL(url, place.base_url).href)}` }] : [];
	return [
		...steps.slice(0, -1),
		...open(t('stage.step_patient'), links.patient),
		...open(t('stage.step_provider'), links.provider),
		...steps.slice(-1),
	];
}

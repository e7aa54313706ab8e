// The steps of a portal's integration, with one visit's live values: the calls as curl, the browser's steps as links.
import { t } from '#lib/i18n/i18n.ts';
import { curlOf, type Place, type PortalCall } from './log.ts';

export interface Step {
	title: string;
	text: string;
	/** A page that a browser opens, not a call. */
	browser: boolean;
}

/** Puts the browser's sign-in behind the single sign-on it belongs to. */
export function stepsOf(
	calls: PortalCall[],
	links: { patient: string | null; provider: string | null },
	place: Place,
): Step[] {
	const steps: Step[] = [];
	for (const [index, call] of calls.entries()) {
		steps.push({
			title: call.title,
			browser: false,
			text: curlOf({ id: index, kind: 'call', call: { ...call, ms: 0 }, portal: call }, place),
		});
	}
	const open = (title: string, url: string | null) => {
		if (url) steps.push({ title, browser: true, text: new URL(url, place.base_url).href });
	};
	// The last call reads the visit after its end; the browsers came before it.
	const last = steps.pop();
	open(t('stage.step_patient'), links.patient);
	open(t('stage.step_provider'), links.provider);
	if (last) steps.push(last);
	return steps;
}

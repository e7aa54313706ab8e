// What stands between somebody and messages of their browser, in words.
import { t } from '#lib/i18n/i18n.ts';
import type { PushRefusal } from './push.ts';

export function refusalWords(why: PushRefusal): string {
	return t(`push.${why}`);
}

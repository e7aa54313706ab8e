// Day and time together, in the reader's own habit.
import { currentLocale } from './i18n.ts';

/** A moment, to the minute or, when asked, to the second. */
export function moment(ms: number, timeStyle: 'short' | 'medium' = 'short'): string {
	return new Intl.DateTimeFormat(currentLocale(), { dateStyle: 'medium', timeStyle }).format(ms);
}

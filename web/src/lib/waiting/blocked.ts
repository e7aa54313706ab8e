// Which browser stands before us, as far as the steps to unblock a camera differ. Pure.
import type { MessageKey } from '#lib/i18n/i18n.ts';

export function blockedSteps(userAgent: string): MessageKey {
	const ios = /iPhone|iPad|iPod/.test(userAgent);
	if (ios) return 'blocked.ios';
	if (/Firefox\//.test(userAgent)) return 'blocked.firefox';
	if (/Android/.test(userAgent) && /Chrome\//.test(userAgent)) return 'blocked.android';
	if (/Chrome\/|Chromium\/|Edg\//.test(userAgent)) return 'blocked.chrome';
	if (/Safari\//.test(userAgent) && /Version\//.test(userAgent)) return 'blocked.safari';
	return 'blocked.other';
}

/** The browser to send a person to who is inside another app. */
export function properBrowser(userAgent: string): 'Safari' | 'Chrome' {
	return /iPhone|iPad|iPod|Macintosh/.test(userAgent) ? 'Safari' : 'Chrome';
}

// Notifications as a list shows them: which were read, and where each leads. Pure.
import type { Kind, Notice } from '#lib/api/types.ts';

/** What an appointment's own page is about; the rest of a visit is its waiting room, call or conversation. */
const ofAppointments = new Set(['booked', 'requested', 'changed', 'cancelled', 'reminder', 'missed']);

/** The page that a notification leads to, below the portal; null where there is none. */
export function leadsTo(notice: Pick<Notice, 'type' | 'target'>, kind: Kind): string | null {
	const { type, target } = notice;
	if (kind === 'admin') return type === 'webhook_disabled' ? '/admin/developers' : null;
	if (!target) return null;
	const id = encodeURIComponent(target);
	if (kind === 'provider') return `/providers/dashboard?visit=${id}`;
	return ofAppointments.has(type) ? `/members/appointment/${id}` : `/visits/start/${id}`;
}

/** The list with more of it; what was read stays read. */
export function joined(known: readonly Notice[], more: readonly Notice[]): Notice[] {
	const byId = new Map(known.map((notice) => [notice.id, notice]));
	for (const notice of more) {
		const before = byId.get(notice.id);
		byId.set(notice.id, before?.read ? { ...notice, read: true } : notice);
	}
	return [...byId.values()].sort((a, b) => b.unix_millis - a.unix_millis || (a.id < b.id ? 1 : -1));
}

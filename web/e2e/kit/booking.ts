/** Hours that patients can book, in a room and with a provider of a test's own. */
import type { Clinic, Person } from './clinic.ts';

const DAY = 86_400_000;

export interface Desk {
	/** Code, also the slug. */
	room: string;
	provider: Person;
	page: string;
}

/** A room of New York that books far ahead, and a provider there. */
export async function desk(clinic: Clinic, more: Record<string, unknown> = {}): Promise<Desk> {
	const admin = { 'X-ApiToken': clinic.demo.admin_token };
	const room = `desk-${Date.now().toString(36)}`;
	await clinic.ok('POST', '/rooms', admin, {
		slug: room,
		code: room,
		name: 'Heart clinic',
		visits: { appointment: { enabled: 1 } },
		operation_settings: { default_timezone: 'America/New_York' },
		booking: { horizon_days: 372, ...more },
	});
	const provider = await clinic.sso(400, { first_name: 'Ines', last_name: 'Costa' });
	await clinic.ok('POST', `/users/${provider.id}/rooms`, admin, { room_code: room });
	return { room, provider, page: `${clinic.demo.base_url}/u/${room}/book` };
}

/** One opening; unix s. */
export async function opening(
	clinic: Clinic,
	{ room, provider }: Desk,
	start: number,
	hours: number,
): Promise<void> {
	await clinic.ok(
		'POST',
		'/slots',
		{ 'X-ApiToken': provider.token },
		{
			room_code: room,
			start,
			end: start + hours * 3600,
		},
	);
}

/** The day on which New York's clocks go back next, two days from now at the earliest: its begin there, unix s. */
export function nightOfNovember(now = Date.now()): number {
	for (let year = new Date(now).getUTCFullYear(); ; year++) {
		const first = new Date(Date.UTC(year, 10, 1)).getUTCDay();
		const sunday = Date.UTC(year, 10, 1 + ((7 - first) % 7), 4);
		if (sunday > now + 2 * DAY) return sunday / 1000;
	}
}

/** A begin on the quarter hour, some days from now: unix s. */
export function soon(days: number): number {
	const day = Math.floor(Date.now() / DAY) + days;
	return (day * DAY) / 1000 + 15 * 3600;
}

/** A clock in a zone, as British people write it. */
export function shown(at: number, timeZone: string): string {
	return new Intl.DateTimeFormat('en-GB', { hour: 'numeric', minute: '2-digit', timeZone }).format(at * 1000);
}

/** What a provider does on the calendar, by pointer and by the words they read. */
import { expect, type Page } from '@playwright/test';
import type { Clinic, Person, Room } from './clinic.ts';

export const ZONE = 'America/New_York';
const DAY = 86_400_000;

/** The room of the demo clinic that takes appointments. */
export function room(clinic: Clinic): Room {
	const found = clinic.demo.rooms.find(({ slug }) => slug === 'follow-up');
	if (!found) throw new Error('The demo clinic lacks its room for appointments.');
	return found;
}

export interface Staff {
	id: string;
	token: string;
	page: Page;
}

/** A provider of their own in the clinic's rooms, on the calendar of a week to come. */
export async function openCalendar(page: Page, clinic: Clinic, view = 'week'): Promise<Staff> {
	const password = 'a kettle full of quiet rain';
	const { id, username } = await clinic.addProvider(password);
	const rooms = { room_codes: clinic.demo.rooms.map(({ code }) => code) };
	await clinic.ok('POST', `/users/${id}/rooms`, { 'X-ApiToken': clinic.demo.admin_token }, rooms);
	const takes = { visits: { appointment: { enabled: 1 } } };
	await clinic.ok('POST', `/rooms/${room(clinic).code}`, { 'X-ApiToken': clinic.demo.admin_token }, takes);
	const login = { id, username, password, code: '' };
	const token = await clinic.providerToken(login);
	await page.goto(
		`${clinic.demo.base_url}/providers/login?next=${encodeURIComponent(`/providers/calendar?view=${view}&date=${monday()}`)}`,
	);
	await page.getByLabel('Username or e-mail').fill(username);
	await page.getByLabel('Password', { exact: true }).fill(password);
	await page.getByRole('button', { name: 'Sign in' }).click();
	await expect(page.getByRole('heading', { name: 'Calendar', exact: true })).toBeVisible();
	return { id, token, page };
}

/** The Monday after next, so that no test meets today: `YYYY-MM-DD`. */
export function monday(weeks = 0): string {
	const today = Date.now();
	const day = new Date(today).getUTCDay() || 7;
	return new Date(today + (15 - day + 7 * weeks) * DAY).toISOString().slice(0, 10);
}

/** Unix s of a time on New York's wall, `days` after the Monday. */
export function wall(days: number, time: string, weeks = 0): number {
	const date = new Date(Date.parse(`${monday(weeks)}T00:00:00Z`) + days * DAY).toISOString().slice(0, 10);
	for (const offset of ['-04:00', '-05:00']) {
		const at = new Date(`${date}T${time}:00${offset}`);
		const shown = new Intl.DateTimeFormat('en-GB', { timeZone: ZONE, hour: '2-digit', minute: '2-digit' });
		if (shown.format(at) === time) return at.getTime() / 1000;
	}
	throw new Error(`${date} ${time} does not exist in ${ZONE}.`);
}

export async function point(page: Page, day: number, time: string): Promise<{ x: number; y: number }> {
	const column = page.locator('.ec-body .ec-day').nth(day);
	const box = await column.boundingBox();
	if (!box) throw new Error('The grid is not shown.');
	const [hours = 0, minutes = 0] = time.split(':').map(Number);
	return { x: box.x + box.width / 2, y: box.y + (box.height * (hours * 60 + minutes)) / 1440 + 2 };
}

type Point = { x: number; y: number };

export async function drag(page: Page, from: Point, to: Point): Promise<void> {
	await page.mouse.move(from.x, from.y);
	await page.mouse.down();
	await page.mouse.move(from.x, from.y + 8, { steps: 2 });
	await page.mouse.move(to.x, to.y, { steps: 8 });
	await page.mouse.up();
}

/** The times a patient is offered with a provider on a day after the Monday; unix s. */
export async function offered(
	clinic: Clinic,
	patient: Person,
	provider: string,
	days: number,
	weeks = 0,
): Promise<number[]> {
	const [start, end] = [wall(days, '00:00', weeks), wall(days + 1, '00:00', weeks)];
	const query = `room_code=${room(clinic).code}&provider_id=${provider}&start=${start}&end=${end}&duration=30`;
	const found = await clinic.ok<{ start: number }[]>('GET', `/availability?${query}`, {
		'X-ApiToken': patient.token,
	});
	return found.map((slot) => slot.start);
}

/** A patient of the room: somebody who was there before. */
export async function regular(clinic: Clinic, first_name: string, last_name: string): Promise<Person> {
	const patient = await clinic.sso(200, { first_name, last_name });
	const visit = await clinic.walkIn(patient, {}, clinic.room);
	await clinic.ok('POST', `/visits/${visit}/cancel`, { 'X-ApiToken': patient.token }, {});
	return patient;
}

/** Books a patient as the provider does; answers the visit's id. */
export async function booked(
	clinic: Clinic,
	staff: Staff,
	patient: Person,
	start: number,
	minutes: number,
	more: Record<string, unknown> = {},
): Promise<string> {
	const headers = { 'X-ApiToken': staff.token };
	const papers = {
		member_id: patient.id,
		room_code: room(clinic).code,
		type: 2,
		reason_for_visit: 'Blood pressure',
	};
	const intake = await clinic.ok<{ id: string }>('POST', '/intakes', headers, papers);
	const wanted = { intake_id: intake.id, start, end: start + minutes * 60, provider_id: staff.id, ...more };
	return (await clinic.ok<{ id: string }>('POST', '/visits', headers, wanted)).id;
}

/** A week as it looks in practice: hours, a training, people. */
export async function usualWeek(clinic: Clinic, staff: Staff): Promise<void> {
	const headers = { 'X-ApiToken': staff.token };
	const weekly = async (days: number[], from: string, until: string, more: Record<string, unknown> = {}) =>
		clinic.ok('POST', '/slots', headers, {
			room_code: room(clinic).code,
			hours: { from, until },
			repeat: { freq: 'weekly', days, from: monday() },
			timezone: ZONE,
			...more,
		});
	await weekly([1, 2, 4], '08:00', '12:00');
	await weekly([1, 2, 4], '13:00', '16:30');
	await weekly([3], '10:00', '18:00');
	await weekly([5], '09:00', '13:00', { kind: 'oncall', room_code: clinic.room.code });
	const away = { provider_id: staff.id, start: wall(3, '13:00'), end: wall(3, '17:00'), reason: 'Training' };
	await clinic.ok('POST', '/closures', headers, away);
	const people = [
		['Maria', 'Santos', 0, '09:00', 30],
		['Tom', 'Becker', 0, '10:00', 60],
		['Nia', 'Okafor', 1, '08:30', 30],
		['Ana', 'Ruiz', 1, '14:00', 45],
		['Bea', 'Stone', 2, '11:00', 30],
		['Jun', 'Tanaka', 3, '09:30', 60],
	] as const;
	for (const [first, last, day, time, minutes] of people) {
		const patient = await regular(clinic, first, last);
		await booked(clinic, staff, patient, wall(day, time), minutes, { override: 1 });
	}
}

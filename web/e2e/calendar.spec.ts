/** The provider's calendar: hours by pointer and by form, appointments made, moved, booked anyway and called off. */
import { expectAccessible } from './kit/accessible.ts';
import {
	booked,
	drag,
	monday,
	offered,
	openCalendar,
	point,
	regular,
	room,
	wall,
	ZONE,
} from './kit/calendar.ts';
import { expect, test } from './kit/test.ts';

test.use({ timezoneId: ZONE, viewport: { width: 1440, height: 1000 } });

test('weekly hours by dragging, one day left out, and patients see exactly that', async ({
	clinic,
	newPerson,
}) => {
	const page = await newPerson();
	const { id } = await openCalendar(page, clinic);
	const patient = await clinic.sso(200);
	await expect(page.getByText('Drag over the hours in which patients may book you.')).toBeVisible();
	await expectAccessible(page, 'empty calendar');

	await drag(page, await point(page, 0, '09:00'), await point(page, 0, '11:20'));
	const dialog = page.getByRole('dialog');
	await expect(dialog.getByRole('radio', { name: 'Hours', exact: true })).toBeChecked();
	await expect(dialog.getByLabel('From')).toHaveValue('09:00');
	await expect(dialog.getByLabel('Until')).toHaveValue('11:30');
	await dialog.getByLabel('Every week').check();
	await expect(dialog.getByRole('checkbox', { name: 'Monday' })).toBeChecked();
	await dialog.getByRole('checkbox', { name: 'Wednesday' }).check({ force: true });
	await expectAccessible(page, 'new hours');
	await dialog.getByRole('button', { name: 'Save the hours' }).click();
	await expect(page.getByText('Your hours are saved. Patients see them at once.')).toBeVisible();
	await expect(page.locator('.ec-bg-event.hours')).toHaveCount(2);

	const times = (days: number) =>
		['09:00', '09:30', '10:00', '10:30', '11:00'].map((time) => wall(days, time));
	expect(await offered(clinic, patient, id, 0)).toEqual(times(0));
	expect(await offered(clinic, patient, id, 2)).toEqual(times(2));
	expect(await offered(clinic, patient, id, 1)).toEqual([]);

	// Overlapping hours are refused in the server's words, and what was typed stays.
	await page.getByRole('button', { name: 'Add hours' }).click();
	await dialog.getByLabel('Day').fill(monday());
	await dialog.getByLabel('From').fill('11:00');
	await dialog.getByRole('button', { name: 'Save the hours' }).click();
	await expect(dialog.getByRole('alert')).toHaveText(/already has hours at that time/);
	await expect(dialog.getByLabel('From')).toHaveValue('11:00');
	await dialog.getByRole('button', { name: 'Close' }).click();

	const inside = await point(page, 2, '10:00');
	await page.mouse.click(inside.x, inside.y);
	await expect(dialog).toContainText('Every Monday and Wednesday, 09:00 to 11:30');
	await dialog.getByRole('radio', { name: /^Only Wed/ }).check();
	await dialog.getByRole('button', { name: 'Delete' }).click();
	await expect(page.locator('.ec-bg-event.hours')).toHaveCount(1);
	expect(await offered(clinic, patient, id, 2)).toEqual([]);
	expect(await offered(clinic, patient, id, 2, 1)).toHaveLength(5);
	await page.getByRole('button', { name: 'Next week' }).click();
	await expect(page.locator('.ec-bg-event.hours')).toHaveCount(2);
});

test('the keyboard alone is enough: hours, a later change to all of them, time away', async ({
	clinic,
	newPerson,
}) => {
	const page = await newPerson();
	const { id } = await openCalendar(page, clinic, 'list');
	const patient = await clinic.sso(200);
	await expect(page.getByText('No hours and no appointments in this week yet.')).toBeVisible();
	await page.getByRole('button', { name: 'Add hours' }).focus();
	await page.keyboard.press('Enter');
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('Day').fill(monday());
	await dialog.getByLabel('From').fill('13:00');
	await dialog.getByLabel('Until').fill('15:00');
	await dialog.getByLabel('Every week').focus();
	await page.keyboard.press('Space');
	await dialog.getByLabel('Until').focus();
	await page.keyboard.press('Enter');
	const row = page.getByRole('button', { name: /Open for bookings/ });
	await expect(row).toHaveText(/13:00.*15:00/);
	expect(await offered(clinic, patient, id, 0)).toHaveLength(4);

	await row.focus();
	await page.keyboard.press('Enter');
	await dialog.getByRole('radio', { name: 'All of them' }).focus();
	await page.keyboard.press('Space');
	await dialog.getByLabel('Until').fill('14:00');
	await page.keyboard.press('Enter');
	await expect(row).toHaveText(/13:00.*14:00/);
	expect(await offered(clinic, patient, id, 0, 1)).toHaveLength(2);

	await page.getByRole('button', { name: 'Add time away' }).focus();
	await page.keyboard.press('Enter');
	await dialog.getByLabel('Whole days').focus();
	await page.keyboard.press('Space');
	await dialog.getByLabel('Note').fill('Training');
	await page.keyboard.press('Enter');
	await expect(page.getByRole('button', { name: /Away: Training/ })).toBeVisible();
	expect(await offered(clinic, patient, id, 0)).toEqual([]);
	await expectAccessible(page, 'list');
	await page.getByRole('button', { name: /Away: Training/ }).press('Enter');
	await expectAccessible(page, 'time away');
	await dialog.getByRole('button', { name: 'I am here after all' }).press('Enter');
	await expect(page.getByText('You can be booked again at that time.')).toBeVisible();
	expect(await offered(clinic, patient, id, 0)).toHaveLength(2);
});

test('staff book for a patient, move by dragging, book anyway with a reason, and call off', async ({
	clinic,
	newPerson,
}) => {
	test.setTimeout(180_000);
	const page = await newPerson();
	const { id, token } = await openCalendar(page, clinic);
	const headers = { 'X-ApiToken': token };
	const admin = { 'X-ApiToken': clinic.demo.admin_token };
	await clinic.ok('POST', '/slots', headers, {
		room_code: room(clinic).code,
		start: wall(1, '09:00'),
		end: wall(1, '17:00'),
	});
	const zelda = await regular(clinic, 'Zelda', 'Quist');
	await regular(clinic, 'Yusuf', 'Quist');
	// What others change appears by itself.
	await expect(page.locator('.ec-bg-event.hours')).toHaveCount(1);

	await drag(page, await point(page, 1, '10:00'), await point(page, 1, '10:20'));
	const dialog = page.getByRole('dialog');
	await expect(dialog.getByRole('radio', { name: 'Appointment', exact: true })).toBeChecked();
	await dialog.getByLabel('Patient').fill('Zelda');
	await dialog.getByRole('button', { name: /^Zelda Quist/ }).click();
	await dialog.getByLabel('What is it about?').fill('Blood pressure');
	await expectAccessible(page, 'new appointment');
	await dialog.getByRole('button', { name: 'Book the appointment' }).click();
	await expect(page.getByText(/^Zelda Quist is booked on Tue/)).toBeVisible();
	const first = page.getByRole('button', { name: /^Zelda Quist/ });
	await expect(first).toContainText('10:00');
	expect(await offered(clinic, zelda, id, 1)).not.toContain(wall(1, '10:00'));

	// Moved at once, and the server knows.
	await drag(page, await point(page, 1, '10:05'), await point(page, 1, '13:05'));
	await expect(first).toContainText('13:00');
	await expect(page.getByText(/^Zelda Quist is now on Tue.*13:00/)).toBeVisible();
	const [visit] = await clinic.ok<{ id: string; start: number }[]>(
		'GET',
		`/visits?member_id=${zelda.id}&type=2`,
		admin,
	);
	expect(visit?.start).toBe(wall(1, '13:00'));
	await page.getByRole('button', { name: 'Undo' }).click();
	await expect(first).toContainText('10:00');
	await expect(page.getByText('It is back where it was.')).toBeVisible();

	// Another one by the form, dropped onto the first: it goes back, says why, and asks.
	await page.getByRole('button', { name: 'Add an appointment' }).click();
	await dialog.getByLabel('Patient').fill('Yusuf');
	await dialog.getByRole('button', { name: /^Yusuf Quist/ }).click();
	const tuesday = new Date(wall(1, '12:00') * 1000).toISOString().slice(0, 10);
	await dialog.getByLabel('Day', { exact: true }).fill(tuesday);
	await dialog.getByLabel('Begins').fill('15:00');
	await dialog.getByLabel('Minutes').fill('30');
	await dialog.getByRole('button', { name: 'Book the appointment' }).click();
	const second = page.getByRole('button', { name: /^Yusuf Quist/ });
	await expect(second).toContainText('15:00');
	await drag(page, await point(page, 1, '15:05'), await point(page, 1, '10:05'));
	await expect(dialog.getByRole('heading', { name: 'This time is not free' })).toBeVisible();
	await expect(dialog.getByText(/the appointment of Zelda Quist, 10:00/)).toBeVisible();
	await expect(dialog.getByText('Free nearby:')).toBeVisible();
	await expect(page.locator('.ec-event', { hasText: 'Yusuf Quist' })).toContainText('15:00');
	await expectAccessible(page, 'book anyway');
	await dialog.getByRole('button', { name: 'Book anyway' }).click();
	await expect(dialog.getByText('Say why; it is kept in the audit trail.')).toBeVisible();
	await dialog.getByLabel('Why it has to be then').fill('They come together');
	await dialog.getByRole('button', { name: 'Book anyway' }).click();
	await expect(page.locator('.ec-event', { hasText: 'Yusuf Quist' })).toContainText('10:00');
	type Entry = { object_id: string; detail?: { reason: string; visits: string[] } };
	const trail = await clinic.ok<Entry[]>('GET', '/audit?action=visits.override&limit=5', admin);
	expect(trail[0]?.detail).toMatchObject({ reason: 'They come together', visits: [visit?.id] });

	// Outside the hours: nothing else stands there, and still it asks.
	await drag(page, await point(page, 4, '12:00'), await point(page, 4, '12:20'));
	await dialog.getByRole('radio', { name: 'Appointment', exact: true }).check();
	await dialog.getByLabel('Patient').fill('Zelda');
	await dialog.getByRole('button', { name: /^Zelda Quist/ }).click();
	await dialog.getByRole('button', { name: 'Book the appointment' }).click();
	await expect(dialog.getByText('the hours in which you can be booked')).toBeVisible();
	await dialog.getByLabel('Why it has to be then').fill('Her only day off');
	await dialog.getByRole('button', { name: 'Book anyway' }).click();
	await expect(page.getByText(/^Zelda Quist is booked on Fri/)).toBeVisible();
	const anyway = await clinic.ok<Entry[]>('GET', '/audit?action=visits.override&limit=5', admin);
	expect(anyway[0]?.detail?.reason).toBe('Her only day off');

	// Called off: gone from the calendar, and free again at once.
	await page.locator('.ec-event', { hasText: 'Yusuf Quist' }).press('Enter');
	await expect(dialog.getByRole('heading', { name: 'Yusuf Quist' })).toBeVisible();
	await dialog.getByRole('button', { name: 'Call off' }).click();
	await expectAccessible(page, 'calling off');
	await dialog.getByRole('button', { name: 'Call off' }).click();
	await expect(page.getByText(/Yusuf Quist is called off/)).toBeVisible();
	await expect(second).toHaveCount(0);
	await page.locator('.ec-event', { hasText: 'Zelda Quist' }).first().press('Enter');
	await dialog.getByRole('button', { name: 'Call off' }).click();
	await dialog.getByRole('button', { name: 'Call off' }).click();
	await expect(page.locator('.ec-event', { hasText: 'Zelda Quist' })).toHaveCount(1);
	expect(await offered(clinic, zelda, id, 1)).toContain(wall(1, '10:00'));
});

test('booked hours ask before they go, and a series repeats every week', async ({ clinic, newPerson }) => {
	const page = await newPerson();
	const { id, token } = await openCalendar(page, clinic);
	await clinic.ok(
		'POST',
		'/slots',
		{ 'X-ApiToken': token },
		{
			room_code: room(clinic).code,
			hours: { from: '09:00', until: '12:00' },
			repeat: { freq: 'weekly', days: [4], from: monday() },
			timezone: ZONE,
		},
	);
	await regular(clinic, 'Xenia', 'Quist');
	await expect(page.locator('.ec-bg-event.hours')).toHaveCount(1);
	await drag(page, await point(page, 3, '09:30'), await point(page, 3, '09:50'));
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('Patient').fill('Xenia');
	await dialog.getByRole('button', { name: /^Xenia Quist/ }).click();
	await dialog.getByLabel('Repeat every week').fill('3');
	await dialog.getByRole('button', { name: 'Book the appointment' }).click();
	await expect(page.getByText(/^Xenia Quist is booked 3 times/)).toBeVisible();
	await page.getByRole('button', { name: 'Next week' }).click();
	await expect(page.getByRole('button', { name: /^Xenia Quist/ })).toContainText('09:30');

	// From the second one on they do not take place; the first one stands.
	await page.getByRole('button', { name: /^Xenia Quist/ }).press('Enter');
	await expect(dialog).toContainText('One of a weekly series');
	await dialog.getByRole('button', { name: 'Call off' }).click();
	await dialog.getByRole('radio', { name: 'This and all later ones' }).check();
	await dialog.getByRole('button', { name: 'Call off' }).click();
	await expect(page.getByRole('button', { name: /^Xenia Quist/ })).toHaveCount(0);
	await page.getByRole('button', { name: 'Next week' }).click();
	await expect(page.locator('.ec-bg-event.hours')).toHaveCount(1);
	await expect(page.getByRole('button', { name: /^Xenia Quist/ })).toHaveCount(0);
	await page.getByRole('button', { name: 'Week before' }).click();
	await page.getByRole('button', { name: 'Week before' }).click();
	await expect(page.getByRole('button', { name: /^Xenia Quist/ })).toContainText('09:30');

	const inside = await point(page, 3, '11:00');
	await page.mouse.click(inside.x, inside.y);
	await dialog.getByRole('radio', { name: 'All of them' }).check();
	await dialog.getByRole('button', { name: 'Delete' }).click();
	await expect(dialog).toContainText('One appointment stands at these times.');
	await expectAccessible(page, 'booked hours');
	await dialog.getByRole('button', { name: 'Delete the hours, keep the appointments' }).click();
	await expect(page.getByText('The hours are deleted.')).toBeVisible();
	await expect(page.locator('.ec-bg-event.hours')).toHaveCount(0);
	await expect(page.getByRole('button', { name: /^Xenia Quist/ })).toBeVisible();
	expect(await offered(clinic, await clinic.sso(200), id, 3)).toEqual([]);
});

test('an appointment waits when its patient has come, and starts in the call from its time on', async ({
	clinic,
	newPerson,
}) => {
	const page = await newPerson();
	const staff = await openCalendar(page, clinic);
	const start = Math.ceil(Date.now() / 60_000) * 60 + 600;
	const walt = await regular(clinic, 'Walt', 'Quist');
	const visit = await booked(clinic, staff, walt, start, 30, { override: 1 });
	await page.getByRole('link', { name: 'Dashboard' }).click();
	await expect(page.getByText('Nobody is waiting.').first()).toBeVisible();
	await clinic.ok('POST', `/visits/${visit}/add_walkin`, { 'X-ApiToken': walt.token }, {});
	const waiting = page.getByRole('list', { name: 'Waiting' }).getByRole('listitem');
	await expect(waiting).toHaveText([/Walt Quist/]);

	await page.getByRole('link', { name: 'Calendar' }).click();
	await page.getByRole('button', { name: 'List', exact: true }).click();
	const day = new Intl.DateTimeFormat('en-CA', { timeZone: ZONE }).format(start * 1000);
	await page.goto(`${clinic.demo.base_url}/providers/calendar?view=list&date=${day}`);
	// One that lasts past midnight stands on both days.
	await page
		.getByRole('button', { name: /Walt Quist/ })
		.first()
		.click();
	const dialog = page.getByRole('dialog');
	await expect(dialog).toContainText('Blood pressure');
	await dialog.getByRole('button', { name: 'Start the visit' }).click();
	await expect(page).toHaveURL(new RegExp(`/providers/dashboard\\?visit=${visit}$`));
	await expect(page.getByText('Calling Walt…')).toBeVisible();
	expect((await clinic.visit(visit)).status).toBe('25');
	await clinic.ok('POST', `/visits/${visit}/complete`, { 'X-ApiToken': staff.token }, {});
});

test('a phone shows a day, the thumb reaches what is pressed most, and nothing is wider than the screen', async ({
	clinic,
	newPerson,
}) => {
	const page = await newPerson();
	await page.setViewportSize({ width: 360, height: 740 });
	const { token } = await openCalendar(page, clinic, 'day');
	await clinic.ok(
		'POST',
		'/slots',
		{ 'X-ApiToken': token },
		{
			room_code: room(clinic).code,
			start: wall(0, '09:00'),
			end: wall(0, '12:00'),
		},
	);
	await expect(page.locator('.ec-bg-event.hours')).toHaveCount(1);
	await expect(page.locator('.ec-body .ec-day')).toHaveCount(1);
	const add = await page.getByRole('button', { name: 'Add an appointment' }).boundingBox();
	expect(add?.y ?? 0).toBeGreaterThan(640);
	expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
	await expectAccessible(page, 'day on a phone');
	await page.getByRole('button', { name: 'List', exact: true }).click();
	await expect(page.getByRole('button', { name: /Open for bookings/ })).toBeVisible();
	await expectAccessible(page, 'list on a phone');
	await page.getByRole('button', { name: 'Next week' }).click();
	await expect(page.getByRole('button', { name: /Open for bookings/ })).toHaveCount(0);
});

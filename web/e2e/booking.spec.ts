/** Patients book for themselves: on their own clock, one time for one person, by a link, at another time, not at all. */
import type { BrowserContextOptions } from '@playwright/test';
import { expectAccessible } from './kit/accessible.ts';
import { desk, nightOfNovember, opening, shown, soon } from './kit/booking.ts';
import { passDeviceCheck } from './kit/patient.ts';
import { expect, test } from './kit/test.ts';

test.use({ timezoneId: 'America/New_York' });

const tokyo: BrowserContextOptions = {
	timezoneId: 'Asia/Tokyo',
	locale: 'en-GB',
	viewport: { width: 360, height: 740 },
};

test('a patient in Tokyo books a clinic in New York across the November change', async ({
	clinic,
	browser,
}) => {
	const heart = await desk(clinic);
	const night = nightOfNovember();
	// Saturday 14:00 there, before the change, and Sunday 14:00, after it.
	const [before, after] = [night - 10 * 3600, night + 15 * 3600];
	await opening(clinic, heart, before, 1);
	await opening(clinic, heart, after, 1);
	expect(shown(before, 'America/New_York')).toBe('14:00');
	expect(shown(after, 'America/New_York')).toBe('14:00');

	const patient = await clinic.sso(200, { first_name: 'Yuki', last_name: 'Sato' });
	const context = await browser.newContext(tokyo);
	const page = await context.newPage();
	const day = new Date((before + 9 * 3600) * 1000).toISOString().slice(0, 10);
	await page.goto(clinic.authUrl(patient, `/u/${heart.room}/book?date=${day}`));
	await expect(page.getByRole('heading', { name: 'Choose a time' })).toBeVisible();
	await expect(
		page.getByText("Times on your clock (Tokyo); below them the clinic's (New York)."),
	).toBeVisible();
	await expectAccessible(page, 'times');
	const first = page.getByRole('button', { name: /there, the day before/ }).first();
	await expect(first).toContainText(/\b0?3:00/);
	await expect(first).toContainText('14:00');
	await page
		.getByRole('button', { name: /\d free times$/ })
		.nth(1)
		.click();
	const second = page.getByRole('button', { name: /there, the day before/ }).first();
	await expect(second).toContainText(/\b0?4:00/);
	await expect(second).toContainText('14:00');
	await second.click();

	await expect(page.getByText(/We keep this time for you for/)).toBeVisible();
	await page.getByLabel('What would you like to talk about?').fill('My heart runs at night');
	await expectAccessible(page, 'details');
	await page.getByRole('button', { name: 'Book this time' }).click();
	await expect(page.getByRole('heading', { name: "You're booked" })).toBeVisible();
	await expect(page.getByText(/\b0?4:00/).first()).toBeVisible();
	await expect(page.getByText(/In New York that is Sunday.*14:00/)).toBeVisible();
	await expectAccessible(page, 'booked');

	const id = page.url().split('/').pop() ?? '';
	expect((await clinic.visit(id)).start).toBe(String(after));
	const [calendar] = await Promise.all([
		page.waitForEvent('download'),
		page.getByRole('link', { name: 'Add to my calendar' }).click(),
	]);
	expect(calendar.suggestedFilename()).toMatch(/\.ics$/);

	// The provider's own page says the same instant on New York's clock.
	const theirs = await browser.newContext({ timezoneId: 'America/New_York', locale: 'en-GB' });
	const staff = await theirs.newPage();
	await staff.goto(
		clinic.authUrl(
			heart.provider,
			`/providers/calendar?view=list&date=${new Date((night + 43_200) * 1000).toISOString().slice(0, 10)}`,
		),
	);
	await expect(staff.getByText(/14:00/).first()).toBeVisible();
	await context.close();
	await theirs.close();
});

test('two patients want the last time: one has it, the other keeps what was written and gets the nearest', async ({
	clinic,
	newPerson,
}) => {
	const heart = await desk(clinic);
	await opening(clinic, heart, soon(3), 1);
	const [ann, ben] = [await clinic.sso(200), await clinic.sso(200)];
	const [one, two] = [await newPerson(), await newPerson()];
	for (const [page, person] of [
		[one, ann],
		[two, ben],
	] as const) {
		await page.goto(clinic.authUrl(person, `/u/${heart.room}/book`));
		await expect(page.getByRole('button', { name: /^\d\d:\d\d$/ }).first()).toBeVisible();
	}
	const time =
		(
			await one
				.getByRole('button', { name: /^\d\d:\d\d$/ })
				.first()
				.textContent()
		)?.trim() ?? '';
	await one.getByRole('button', { name: time, exact: true }).click();
	await expect(one.getByText(/We keep this time/)).toBeVisible();
	await two.getByRole('button', { name: time, exact: true }).click();
	await expect(two.getByRole('alert')).toHaveText(/Somebody else took this time just now/);
	await two.getByRole('heading', { name: 'These are the nearest free times' }).waitFor();

	// A reload keeps the time and the words.
	await one.getByLabel('What would you like to talk about?').fill('A mole');
	await one.reload();
	await expect(one.getByText(/We keep this time/)).toBeVisible();
	await expect(one.getByLabel('What would you like to talk about?')).toHaveValue('A mole');
	// Going back gives it to the other one.
	await one.getByRole('button', { name: 'Choose another time' }).click();
	await two.reload();
	await two.getByRole('button', { name: time, exact: true }).click();
	await two.getByLabel('What would you like to talk about?').fill('A rash');
	await two.getByRole('button', { name: 'Book this time' }).dblclick();
	await expect(two.getByRole('heading', { name: "You're booked" })).toBeVisible();
});

test('nobody signed in: name first, then a time; a day without times says where the next one is', async ({
	clinic,
	newPerson,
}) => {
	const heart = await desk(clinic);
	await opening(clinic, heart, soon(20), 1);
	const page = await newPerson();
	await page.goto(`${clinic.demo.base_url}/u/${heart.room}`);
	await page.getByRole('link', { name: 'Book an appointment' }).click();
	await page.getByRole('radio', { name: /^Me/ }).check();
	await page.getByRole('button', { name: 'Continue' }).click();
	await page.getByLabel('First name').fill('Noah');
	await page.getByLabel('Last name').fill('Becker');
	await page.getByRole('button', { name: 'Continue' }).click();
	await page.getByLabel('Day').fill('4');
	await page.getByLabel('Month').fill('3');
	await page.getByLabel('Year').fill('1987');
	await page.getByRole('button', { name: 'Continue' }).click();
	await expect(page.getByText('No free time on these days.')).toBeVisible();
	await expectAccessible(page, 'no time');
	await page.getByRole('button', { name: /^Go to / }).click();
	await expect(page.getByRole('button', { name: /^\d\d:\d\d$/ }).first()).toBeVisible();
});

test('the link opens the appointment: another time, the way in when it is time, calling it off', async ({
	clinic,
	newPerson,
}) => {
	const admin = { 'X-ApiToken': clinic.demo.admin_token };
	await clinic.ok('POST', '/accounts/-', admin, { one_time_links: 1 });
	const heart = await desk(clinic);
	await opening(clinic, heart, soon(3), 2);
	const patient = await clinic.sso(200);
	const headers = { 'X-ApiToken': patient.token };
	const intake = await clinic.ok<{ id: string }>('POST', '/intakes', headers, {
		room_code: heart.room,
		reason_for_visit: 'Dizzy',
		type: 2,
	});
	const booked = await clinic.ok<{ id: string; one_time_link_token: string }>('POST', '/visits', headers, {
		intake_id: intake.id,
		start: soon(3),
		provider_id: heart.provider.id,
	});
	expect(booked.one_time_link_token).toMatch(/^[a-z0-9]{10}$/);
	const link = `${clinic.demo.base_url}/members/appointment/${booked.id}?token=${booked.one_time_link_token}`;

	const page = await newPerson();
	await page.goto(link);
	await expect(page.getByRole('heading', { name: 'Your appointment' })).toBeVisible();
	await expect(page).toHaveURL(new RegExp(`/members/appointment/${booked.id}$`));
	await expect(page.getByRole('button', { name: 'Start' })).toBeDisabled();
	await expectAccessible(page, 'appointment');
	await page.reload();
	await page.getByRole('button', { name: 'Choose another time' }).click();
	const times = page.getByRole('button', { name: /^\d\d:\d\d$/ });
	await times.last().click();
	await page.getByRole('dialog').getByRole('button', { name: 'Move it' }).click();
	await expect(page.getByRole('heading', { name: 'Your appointment was moved' })).toBeVisible();
	expect(Number((await clinic.visit(booked.id)).start)).toBeGreaterThan(soon(3));

	// Staff bring it to now: the page opens its door by itself, and leads to the waiting room.
	const now = Math.floor(Date.now() / 1000) + 300;
	await clinic.ok('POST', `/visits/${booked.id}`, admin, {
		start: now,
		end: now + 900,
		override: 1,
		force: 1,
	});
	await expect(page.getByRole('button', { name: 'Start' })).toBeEnabled({ timeout: 40_000 });
	await page.getByRole('button', { name: 'Start' }).click();
	await passDeviceCheck(page);
	expect(String((await clinic.visit(booked.id)).status)).toBe('10');

	await clinic.ok('POST', `/visits/${booked.id}/cancel`, admin, {});
	const late = await newPerson();
	await late.goto(link);
	await expect(late.getByRole('heading', { name: 'This link has ended' })).toBeVisible();
	await late.goto(link.slice(0, -3));
	await expect(late.getByRole('heading', { name: "We don't know this link" })).toBeVisible();
	await expectAccessible(late, 'unknown link');
});

test('the list shows what is coming; cancelling frees the time at once', async ({ clinic, newPerson }) => {
	const heart = await desk(clinic);
	await opening(clinic, heart, soon(4), 1);
	const patient = await clinic.sso(200);
	const page = await newPerson();
	await page.goto(clinic.authUrl(patient, '/appointments'));
	await expect(page.getByText(/No appointment is coming up/)).toBeVisible();
	const headers = { 'X-ApiToken': patient.token };
	const intake = await clinic.ok<{ id: string }>('POST', '/intakes', headers, {
		room_code: heart.room,
		reason_for_visit: 'Dizzy',
		type: 2,
	});
	await clinic.ok('POST', '/visits', headers, { intake_id: intake.id, start: soon(4) });
	await page.reload();
	await expectAccessible(page, 'list');
	await page.getByRole('link', { name: /Ines Costa/ }).click();
	await page.getByRole('button', { name: 'Cancel this appointment' }).click();
	await page.getByRole('dialog').getByRole('button', { name: 'Cancel it' }).click();
	await expect(page.getByRole('heading', { name: 'This appointment was cancelled' })).toBeVisible();
	const other = await clinic.sso(200);
	const free = await clinic.ok<{ start: number }[]>(
		'GET',
		`/availability?room_code=${heart.room}&start=${soon(4)}&end=${soon(4) + 3600}`,
		{ 'X-ApiToken': other.token },
	);
	expect(free.map(({ start }) => start)).toContain(soon(4));
});

test("an admin sets the room's booking rules; a wrong one is said at its field", async ({
	clinic,
	newPerson,
}) => {
	const heart = await desk(clinic);
	const page = await newPerson();
	await page.goto(`${clinic.demo.base_url}/admin/rooms/${heart.room}`);
	await page.getByLabel('Username or e-mail').fill(clinic.demo.admin.username);
	await page.getByLabel('Password', { exact: true }).fill(clinic.demo.admin.password);
	await page.getByRole('button', { name: 'Sign in' }).click();
	await expect(page.getByRole('heading', { name: 'Booking rules' })).toBeVisible();
	await expectAccessible(page, 'booking rules');
	await page.getByLabel('Notice, in minutes').fill('soon');
	await page.getByRole('button', { name: 'Save' }).click();
	await expect(page.getByText('Write a whole number.')).toBeVisible();
	await page.getByLabel('Notice, in minutes').fill('120');
	await page.getByLabel('How many days ahead').fill('9999');
	await page.getByRole('button', { name: 'Save' }).click();
	await expect(page.getByLabel('How many days ahead')).toHaveAttribute('aria-invalid', 'true');
	await page.getByLabel('How many days ahead').fill('30');
	await page.getByRole('button', { name: 'Save' }).click();
	await expect(page.getByText('Saved.')).toBeVisible();
	await page.reload();
	await expect(page.getByLabel('Notice, in minutes')).toHaveValue('120');
	await expect(page.getByLabel('How many days ahead')).toHaveValue('30');
});

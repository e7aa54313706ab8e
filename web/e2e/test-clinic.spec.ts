/** What developers try things with: a test clinic's clock and other side, and a stretch of time sent again. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expectAccessible } from './kit/accessible.ts';
import { Clinic } from './kit/clinic.ts';
import { test as base, expect, type Page } from './kit/test.ts';
import { trial } from './kit/trial.ts';

/** A clinic that also calls addresses of this machine. */
const test = base.extend<object, { clinic: Clinic }>({
	clinic: [
		// biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixture's needs from this pattern.
		async ({}, use) => {
			process.env.BEDSIDE__WEBHOOKS__ALLOW_PRIVATE = 'true';
			const clinic = await Clinic.start().finally(() => delete process.env.BEDSIDE__WEBHOOKS__ALLOW_PRIVATE);
			await use(clinic);
			await clinic.stop();
		},
		{ scope: 'worker', timeout: 60_000 },
	],
});

async function open(
	page: Page,
	clinic: Clinic,
	login: { username: string; password: string },
	where: string,
	account = '',
): Promise<void> {
	const query = new URLSearchParams({ next: `/admin/developers${where}`, ...(account ? { account } : {}) });
	await page.goto(`${clinic.demo.base_url}/admin/login?${query}`);
	await page.getByLabel('Username or e-mail').fill(login.username);
	await page.getByLabel('Password', { exact: true }).fill(login.password);
	await page.getByRole('button', { name: 'Sign in' }).click();
}

test('a test clinic’s clock brings the reminder, and its other side is played', async ({
	clinic,
	newPerson,
}) => {
	const here = await trial(clinic);
	const admin = { 'X-ApiToken': here.clinic.demo.admin_token };
	await here.clinic.ok('POST', `/rooms/${here.code}`, admin, {
		visits: { appointment: { enabled: 1 } },
		booking: { horizon_days: 60, min_notice_minutes: 0 },
	});
	const provider = await here.clinic.sso(400, { first_name: 'Ines', last_name: 'Costa' });
	await here.clinic.ok('POST', `/users/${provider.id}/rooms`, admin, { room_code: here.code });
	const patient = await here.clinic.sso(200, { first_name: 'Maria', last_name: 'Santos' });
	await here.clinic.ok('POST', `/users/${patient.id}`, admin, { email: 'maria@example.org' });
	// A day and an hour ahead, on the quarter hour.
	const start = Math.ceil(Date.now() / 900_000) * 900 + 25 * 3600;
	const opening = { room_code: here.code, start, end: start + 3600 };
	await here.clinic.ok('POST', '/slots', { 'X-ApiToken': provider.token }, opening);
	const papers = { room_code: here.code, reason_for_visit: 'A mole', type: 2 };
	const own = { 'X-ApiToken': patient.token };
	const intake = await here.clinic.ok<{ id: string }>('POST', '/intakes', own, papers);
	const wanted = { intake_id: intake.id, start, end: start + 1800, provider_id: provider.id };
	const booked = await here.clinic.ok<{ id: string }>('POST', '/visits', own, wanted);

	const page = await newPerson();
	await open(page, clinic, here.admin, '?tab=test', here.code);
	await expect(page.getByText('This clinic writes to nobody.', { exact: false })).toBeVisible();
	const booking = page.getByText('Your visit is booked', { exact: true });
	await expect(async () => {
		await page.getByRole('button', { name: 'Look again' }).click();
		await expect(booking).toBeVisible({ timeout: 1000 });
	}).toPass();
	await expectAccessible(page, 'a test clinic');

	// What is no number is said at its field, and moves nothing.
	await page.getByLabel('How far').fill('soon');
	await page.getByRole('button', { name: 'Move on' }).click();
	await expect(page.getByText('Write a whole number above 0.')).toBeVisible();
	await expect(page.getByLabel('How far')).toBeFocused();
	const reminder = page.getByText('Your visit is coming up', { exact: true });
	await expect(reminder).toHaveCount(0);
	await page.getByLabel('How far').fill('2');
	await page.getByLabel('Unit').selectOption({ label: 'hours' });
	await page.getByRole('button', { name: 'Move on' }).click();
	await expect(page.getByText(/^Done\. \d+ things? came nearer\.$/)).toBeVisible();
	await expect(async () => {
		await page.getByRole('button', { name: 'Look again' }).click();
		await expect(reminder.first()).toBeVisible({ timeout: 1000 });
	}).toPass();
	await page.getByLabel('Show').selectOption({ label: 'SMS' });
	await expect(reminder).toHaveCount(0);
	await page.getByLabel('Show').selectOption({ label: 'E-mail' });
	await expect(reminder.first()).toBeVisible();
	await reminder.first().click();
	await expect(page.getByText('This is a reminder:', { exact: false }).first()).toBeVisible();

	// The provider's side, and the patient's, of a visit that waits.
	const waiting = await here.clinic.walkIn(patient, {}, here.clinic.room);
	await page.getByLabel('Visit id').fill('x');
	await page.getByRole('button', { name: 'Play it' }).click();
	await expect(page.getByText('Write the number of a visit.')).toBeVisible();
	await page.getByLabel('Visit id').fill(waiting);
	for (const [who, deed, status] of [
		['the provider', 'takes the visit', '25'],
		['the provider', 'puts it back in the queue', '10'],
		['the provider', 'takes the visit', '25'],
		['the provider', 'completes it', '30'],
	] as const) {
		await page.getByLabel('Who').selectOption({ label: who });
		await page.getByLabel('Does what').selectOption({ label: deed });
		await page.getByRole('button', { name: 'Play it' }).click();
		await expect.poll(async () => (await here.clinic.visit(waiting)).status, { message: deed }).toBe(status);
		await expect(page.getByText(`Done with visit ${waiting}.`)).toBeVisible();
	}
	await page.getByLabel('Visit id').fill(booked.id);
	await page.getByLabel('Who').selectOption({ label: 'the patient' });
	await page.getByLabel('Does what').selectOption({ label: 'cancels' });
	await page.getByRole('button', { name: 'Play it' }).click();
	await expect.poll(async () => (await here.clinic.visit(booked.id)).status).toBe('40');
	// What a visit does not allow is said, and nothing happens.
	await page.getByLabel('Who').selectOption({ label: 'the provider' });
	await page.getByLabel('Does what').selectOption({ label: 'takes the visit' });
	await page.getByRole('button', { name: 'Play it' }).click();
	await expect(page.getByRole('alert')).not.toBeEmpty();
	expect((await here.clinic.visit(booked.id)).status).toBe('40');
	await expectAccessible(page, 'the other side was played');
	await page.setViewportSize({ width: 360, height: 740 });
	await expect
		.poll(() => page.evaluate(() => document.documentElement.scrollWidth - innerWidth))
		.toBeLessThanOrEqual(0);
});

test('a stretch of time is sent again', async ({ clinic, newPerson }) => {
	const ids: string[] = [];
	const portal = createServer((request, response) => {
		ids.push(String(request.headers['webhook-id']));
		request.resume();
		request.on('end', () => response.end('thank you'));
	});
	await new Promise<void>((done) => portal.listen(0, '127.0.0.1', done));
	const { port } = portal.address() as AddressInfo;
	const admin = { 'X-ApiToken': clinic.demo.admin_token };
	const hook = { url: `http://127.0.0.1:${port}/hooks`, events: ['user.created'], version: '2.0' };
	const { id } = await clinic.ok<{ id: string }>('POST', '/webhooks', admin, hook);
	await clinic.sso(200);
	await clinic.sso(200);
	await expect.poll(() => ids.length, { timeout: 20_000 }).toBe(2);
	const first = [...ids];

	const page = await newPerson();
	await open(page, clinic, clinic.demo.admin, `?tab=webhooks&webhook=${id}`, clinic.demo.account_code);
	const link = page.getByRole('link', { name: hook.url });
	await expect(link.or(page.getByText('Send a stretch again'))).toBeVisible();
	if (await link.isVisible()) await link.click();
	await page.getByLabel('Choose by').selectOption({ label: 'time' });
	await page.getByRole('button', { name: 'Send again', exact: true }).click();
	await expect(page.getByText('Choose a day and a time.')).toHaveCount(2);
	await expect(page.getByLabel('From')).toBeFocused();
	const local = (at: number) => {
		const date = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
		return date.toISOString().slice(0, 16);
	};
	const fill = async (from: number, to: number) => {
		await page.getByLabel('From').fill(local(from));
		await page.getByLabel('To', { exact: true }).fill(local(to));
		await page.getByRole('button', { name: 'Send again', exact: true }).click();
	};
	const now = Date.now();
	await fill(now - 7_200_000, now - 3_600_000);
	await expect(page.getByText('Nothing in this stretch is for this webhook.')).toBeVisible();
	await fill(now - 3_600_000, now + 120_000);
	// The same events under the same names, and what happened before this webhook was there.
	await expect(page.getByText(/^\d+ deliveries are on their way\.$/)).toBeVisible();
	const again = () => first.filter((one) => ids.slice(2).includes(one));
	await expect.poll(again, { timeout: 20_000 }).toEqual(first);
	await expectAccessible(page, 'a stretch was sent again');
	portal.closeAllConnections();
	await new Promise((done) => portal.close(done));
});

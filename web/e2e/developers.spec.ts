/** The console for developers: keys, webhooks and what they were sent, the request log, and the test clinic's door. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expectAccessible } from './kit/accessible.ts';
import { Clinic } from './kit/clinic.ts';
import { test as base, expect, type Page } from './kit/test.ts';

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

interface Receiver {
	url: string;
	server: Server;
	calls: { headers: IncomingHttpHeaders; body: string }[];
}

/** A portal's program: takes everything, and says so. */
async function receiver(): Promise<Receiver> {
	const calls: Receiver['calls'] = [];
	const server = createServer((request, response) => {
		let body = '';
		request.on('data', (part) => {
			body += part;
		});
		request.on('end', () => {
			calls.push({ headers: request.headers, body });
			response.end('thank you');
		});
	});
	await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
	const { port } = server.address() as AddressInfo;
	return { url: `http://127.0.0.1:${port}/hooks`, server, calls };
}

async function open(page: Page, clinic: Clinic, tab: string): Promise<void> {
	await page.goto(`${clinic.demo.base_url}/admin/developers?tab=${tab}`);
	await page.getByLabel('Username or e-mail').fill(clinic.demo.admin.username);
	await page.getByLabel('Password', { exact: true }).fill(clinic.demo.admin.password);
	await page.getByRole('button', { name: 'Sign in' }).click();
	await expect(page.getByRole('heading', { name: 'Developers' })).toBeVisible();
}

/** Nothing sticks out of a phone. */
async function expectFits(page: Page): Promise<void> {
	await page.setViewportSize({ width: 360, height: 740 });
	await expect
		.poll(() => page.evaluate(() => document.documentElement.scrollWidth - innerWidth))
		.toBeLessThanOrEqual(0);
}

async function shoot(page: Page, name: string): Promise<void> {
	const dir = process.env.BEDSIDE_SHOTS;
	if (!dir) return;
	for (const [width, colorScheme] of [
		[360, 'light'],
		[1440, 'light'],
		[1440, 'dark'],
	] as const) {
		await page.setViewportSize({ width, height: 900 });
		await page.emulateMedia({ colorScheme });
		await page.screenshot({ path: `${dir}/${name}-${width}-${colorScheme}.png`, fullPage: true });
	}
}

test('an admin token is made, shown once, works, and is ended', async ({ clinic, newPerson }) => {
	const page = await newPerson();
	await open(page, clinic, 'keys');
	await page.getByRole('button', { name: 'Add an app' }).click();
	await page.getByRole('button', { name: 'Add the app' }).click();
	await expect(page.getByLabel('Name of the app')).toBeFocused();
	await page.getByLabel('Name of the app').fill('Night shift');
	await page.getByRole('button', { name: 'Add the app' }).click();
	const app = page.getByRole('region', { name: 'Night shift' });
	await expect(app.getByText('It has no key and no token yet.')).toBeVisible();

	await app.getByRole('button', { name: /^Make an admin token/ }).click();
	await app.getByLabel('What it is for').fill('Nightly report');
	await app.getByRole('checkbox', { name: 'visits:read' }).check();
	await app.getByRole('button', { name: 'Make it' }).dblclick();
	await expect(app.getByRole('heading', { name: 'Copy this now' })).toBeFocused();
	await expect(app.getByRole('heading', { name: /^Admin token/ })).toHaveCount(1);
	await app.getByRole('button', { name: /^Copy/ }).click();
	await expect(app.getByText('Admin token: copied.')).toBeVisible();
	const token = await page.evaluate(() => navigator.clipboard.readText());
	await shoot(page, 'keys');
	await expectAccessible(page, 'a new token');
	await expectFits(page);
	expect((await clinic.call('GET', '/visits', { 'X-ApiToken': token })).status).toBe(200);
	expect((await clinic.call('GET', '/api_apps', { 'X-ApiToken': token })).status).toBe(403);
	await app.getByRole('button', { name: 'I have kept it' }).click();
	await expect(page.getByText(token)).toHaveCount(0);

	await app.getByRole('button', { name: /^End it/ }).click();
	await page.getByRole('dialog').getByRole('button', { name: 'Keep it' }).click();
	expect((await clinic.call('GET', '/visits', { 'X-ApiToken': token })).status).toBe(200);
	await app.getByRole('button', { name: /^End it/ }).click();
	await expectAccessible(page, 'ending a token');
	await page.getByRole('dialog').getByRole('button', { name: 'End it now' }).click();
	await expect(app.getByRole('heading', { name: /^Admin token/ })).toHaveCount(0);
	expect((await clinic.call('GET', '/visits', { 'X-ApiToken': token })).status).toBe(401);

	await app.getByRole('button', { name: /^Make a key/ }).click();
	await app.getByRole('button', { name: 'Make it' }).click();
	await expect(app.locator('code')).toHaveCount(2);
	const [key, secret] = await app.locator('code').allTextContents();
	const signIn = { 'X-ApiKey': key ?? '', 'X-ApiSecret': secret ?? '' };
	const person = { type: 200, code: 'of-the-night', first_name: 'Ana', last_name: 'Reis', dob: '1990-01-01' };
	expect((await clinic.call('POST', '/users/sso', signIn, person)).status).toBe(200);
	await app.getByRole('button', { name: /^End it/ }).click();
	await page.getByRole('dialog').getByRole('button', { name: 'End it now' }).click();
	await expect(app.getByRole('heading', { name: /^Key/ })).toHaveCount(0);
	expect((await clinic.call('POST', '/users/sso', signIn, person)).status).toBe(401);
});

test('a webhook is added, tested, switched off and on, and deleted', async ({ clinic, newPerson }) => {
	const portal = await receiver();
	const page = await newPerson();
	await open(page, clinic, 'webhooks');
	await expect(page.getByText('There is no webhook yet.')).toBeVisible();
	await page.getByRole('button', { name: 'Add a webhook' }).click();
	await page.getByLabel('Address').fill('nowhere');
	await page.getByRole('button', { name: 'Add the webhook' }).click();
	await expect(page.getByText('must be a URL such as')).toBeVisible();
	await expect(page.getByLabel('Address')).toBeFocused();
	await expectAccessible(page, 'a wrong address');
	await shoot(page, 'webhook-form');
	await page.getByLabel('Address').fill(portal.url);
	await page.getByRole('button', { name: 'Add the webhook' }).dblclick();
	const secret = page.locator('code').filter({ hasText: /^whsec_/ });
	await expect(secret).toBeVisible();
	const first = await secret.textContent();
	await page.getByRole('button', { name: 'I have kept it' }).click();
	await expect(page.getByRole('link', { name: portal.url })).toHaveCount(1);
	await expectAccessible(page, 'webhooks');
	await shoot(page, 'webhooks');

	await page.getByRole('link', { name: portal.url }).click();
	await expect(page.getByText('Nothing was sent yet.')).toBeVisible();
	await page.getByRole('button', { name: 'Send a test' }).click();
	const sent = page.getByRole('button', { name: /ping/ });
	await expect(sent).toHaveAttribute('aria-expanded', 'true');
	await expect(sent).toContainText('Delivered');
	await expect(page.getByText('Answered 200')).toBeVisible();
	await page.getByText('Headers sent').click();
	await page.getByText('Answer', { exact: true }).click();
	await expect(page.getByText(/thank you/)).toBeVisible();
	const [call] = portal.calls;
	await expect(page.getByText(String(call?.headers['webhook-signature']))).toBeVisible();
	await expectAccessible(page, 'an attempt');
	await shoot(page, 'attempt');
	await expectFits(page);

	await page.getByRole('button', { name: 'Send it again' }).click();
	await expect(page.getByText('Answered 200')).toHaveCount(2);
	expect(portal.calls.map(({ headers }) => headers['webhook-id'])).toEqual([
		call?.headers['webhook-id'],
		call?.headers['webhook-id'],
	]);

	// What happens is told; a filter cuts the list; a stretch of the log comes again.
	await clinic.sso(200);
	await expect
		.poll(() => portal.calls.some(({ body }) => body.includes('"user.created"')), { timeout: 20_000 })
		.toBe(true);
	await page.getByRole('button', { name: 'Look again' }).click();
	await expect(page.getByRole('button', { name: /user\.created/ }).first()).toBeVisible();
	await page.getByLabel('Show').selectOption({ label: 'Failed' });
	await expect(page.getByText('There are none of these.')).toBeVisible();
	await page.getByLabel('From').fill('one');
	await page.getByLabel('To', { exact: true }).fill('9999');
	await page.getByRole('button', { name: 'Send again', exact: true }).click();
	await expect(page.getByLabel('From')).toHaveAttribute('aria-invalid', 'true');
	await page.getByLabel('From').fill('1');
	await page.getByRole('button', { name: 'Send again', exact: true }).click();
	await expect(page.getByText(/deliver(y is|ies are) on (its|their) way/)).toBeVisible();

	await page.getByRole('button', { name: 'New secret' }).click();
	await page.getByRole('dialog').getByRole('button', { name: 'Make a new secret' }).click();
	await expect(secret).toBeVisible();
	expect(await secret.textContent()).not.toBe(first);
	await page.getByRole('button', { name: 'I have kept it' }).click();
	await expect(page.getByText(/the old secret signs too until/)).toBeVisible();
	await page.getByRole('button', { name: 'Switch off' }).click();
	await expect(page.getByRole('button', { name: 'Switch on' })).toBeVisible();
	await page.getByRole('button', { name: 'Switch on' }).click();
	await expect(page.getByRole('button', { name: 'Switch off' })).toBeVisible();
	await page.getByRole('button', { name: 'Change', exact: true }).click();
	await page.getByLabel('Version of the body').selectOption('1.0');
	await page.getByRole('button', { name: 'Save' }).click();
	await expect(page.getByText(/Version of the body: 1\.0/)).toBeVisible();

	// A receiver that is away is said as such.
	portal.server.closeAllConnections();
	await new Promise((done) => portal.server.close(done));
	await page.getByLabel('Show').selectOption({ label: 'All' });
	await page.getByRole('button', { name: 'Send a test' }).click();
	await expect(page.getByText(/No connection: nothing listens there/).first()).toBeVisible();
	await expect(page.getByText(/It is tried again at/)).toBeVisible();
	await page.getByRole('button', { name: 'Delete' }).click();
	await page.getByRole('dialog').getByRole('button', { name: 'Delete it' }).click();
	await expect(page.getByText('There is no webhook yet.')).toBeVisible();
});

test('a refused call is found by its request id, and by its error', async ({ clinic, newPerson }) => {
	const patient = await clinic.sso(200, { code: 'log-patient' });
	const refused = await clinic.call(
		'POST',
		'/intakes',
		{ 'X-ApiToken': patient.token },
		{ room_code: 'none' },
	);
	expect(refused.status).toBe(400);
	const id = String(refused.body.request_id);
	const page = await newPerson();
	await open(page, clinic, 'log');
	await page.getByLabel('Request id').fill(id);
	await page.getByRole('button', { name: 'Search' }).click();
	const rows = page.locator('tbody tr');
	await expect(rows).toHaveCount(1);
	await expect(rows).toContainText(id);
	await expect(rows).toContainText('/intakes');
	await expect(rows).toContainText(`400 ${refused.body.error}`);
	await expect(rows).toContainText('log-patient');
	await expectAccessible(page, 'the log');
	await shoot(page, 'log');
	await expectFits(page);
	await page.getByLabel('Visit id').fill('seven');
	await page.getByRole('button', { name: 'Search' }).click();
	await expect(page.getByLabel('Visit id')).toBeFocused();
	await page.getByLabel('Visit id').fill('');
	await page.getByLabel('Request id').fill('there-is-none');
	await page.getByRole('button', { name: 'Search' }).click();
	await expect(page.getByText(/No call of the last seven days fits/)).toBeVisible();
	await page.getByRole('button', { name: 'Show all' }).click();
	await page.getByLabel('Your code of the user').fill('log-patient');
	await page.getByRole('button', { name: 'Search' }).click();
	await expect(rows.filter({ hasText: id })).toHaveCount(1);
});

test('a live clinic says how to make a test clinic', async ({ clinic, newPerson }) => {
	const page = await newPerson();
	await open(page, clinic, 'test');
	await expect(page.getByText('bedside account create --code trial')).toBeVisible();
	await expectAccessible(page, 'a live clinic');
	await expectFits(page);
});

/** The room's own link: guests, closed doors, second presses, dead tokens. */
import { expectNext, passDeviceCheck } from './kit/patient.ts';
import { expect, type Page, test } from './kit/test.ts';

async function fillGuest(page: Page, reason = 'Sore throat'): Promise<void> {
	const next = () => page.getByRole('button', { name: 'Continue' }).click();
	await page.getByRole('radio', { name: /^Me/ }).check({ force: true });
	await next();
	await page.getByLabel('First name').fill('Gina');
	await page.getByLabel('Last name').fill('Guest');
	await next();
	await page.getByLabel('Day').fill('27');
	await page.getByLabel('Month').fill('3');
	await page.getByLabel('Year').fill('1984');
	await next();
	await page.getByRole('textbox').fill(reason);
}

test('a guest enters from the room’s link, waits, leaves after one question', async ({
	clinic,
	newPerson,
}) => {
	const page = await newPerson();
	await page.goto(`${clinic.demo.base_url}/u/${clinic.room.slug}`);
	await expect(page.getByRole('heading', { name: `Welcome to ${clinic.room.name}` })).toBeVisible();
	await page.getByRole('button', { name: 'Continue' }).click();
	await expect(page.getByText('Choose who the visit is for.')).toBeVisible();
	await fillGuest(page);
	// A double press makes one visit.
	await page.getByRole('button', { name: 'Enter the waiting room' }).dblclick();
	await expect(page).toHaveURL(/\/visits\/start\/\d+$/);
	const id = page.url().split('/').at(-1) ?? '';
	await passDeviceCheck(page);
	await expectNext(page);
	const token = await clinic.providerToken();
	const waiting = await clinic.ok<unknown[]>('GET', '/visits?status=10,20&limit=100', {
		'X-ApiToken': token,
	});
	expect(waiting).toHaveLength(1);

	await page.reload();
	await expectNext(page);
	await expect(page.getByText('Welcome back. You kept your place.')).toBeVisible();
	await page.goto(`${clinic.demo.base_url}/u/${clinic.room.slug}`);
	await page.getByRole('button', { name: 'Go to your place' }).click();
	await expect(page).toHaveURL(new RegExp(`/visits/start/${id}$`));

	await page.getByRole('button', { name: 'Leave the waiting room' }).click();
	await page.getByRole('dialog').getByRole('button', { name: 'Stay' }).click();
	await expectNext(page);
	await page.getByRole('button', { name: 'Leave the waiting room' }).click();
	await page.getByRole('dialog').getByRole('button', { name: 'Leave', exact: true }).click();
	await expect(page.getByRole('heading', { name: 'You left the waiting room' })).toBeVisible();
	expect(await clinic.visit(id)).toMatchObject({ status: '40', reason: 'patient_exit_room' });
});

test('a closed room says so in the clinic’s words and takes nobody', async ({ clinic, newPerson }) => {
	const room = clinic.demo.rooms[1] ?? clinic.room;
	const admin = { 'X-ApiToken': clinic.demo.admin_token };
	const closed = { operation_settings: { is_closed: true, close_msg: 'We open again on Monday at 8.' } };
	await clinic.ok('POST', `/rooms/${room.code}`, admin, closed);
	const page = await newPerson();
	await page.goto(`${clinic.demo.base_url}/u/${room.slug}`);
	await expect(page.getByRole('heading', { name: `${room.name} is closed right now` })).toBeVisible();
	await expect(page.getByText('We open again on Monday at 8.')).toBeVisible();
	await clinic.ok('POST', `/rooms/${room.code}`, admin, { operation_settings: { is_closed: false } });
	await page.reload();
	await expect(page.getByRole('heading', { name: `Welcome to ${room.name}` })).toBeVisible();
});

test('a dead token is a 401 page with the way back, never a password form', async ({ clinic, newPerson }) => {
	const page = await newPerson();
	const next = encodeURIComponent('/visits/start/1');
	const dead = '0123456789abcdef0123456789abcdef';
	const answer = await page.goto(`${clinic.demo.base_url}/auth?sso_token=${dead}&next=${next}`);
	expect(answer?.status()).toBe(401);
	await expect(page.getByRole('heading')).toBeVisible();
	await expect(page.locator('input')).toHaveCount(0);
	await expect(page.locator('body')).not.toContainText(dead);
});

test('another person’s visit and an unknown one are one plain sentence each', async ({
	clinic,
	newPerson,
}) => {
	const owner = await clinic.sso(200);
	const visitId = await clinic.walkIn(owner);
	const other = await clinic.sso(200, { first_name: 'Tom', last_name: 'Becker' });
	const page = await newPerson();
	await page.goto(clinic.authUrl(other, `/visits/start/${visitId}`));
	await expect(
		page.getByRole('heading', { name: /belongs to somebody else|can't find this visit/ }),
	).toBeVisible();
	await page.goto(clinic.authUrl(other, '/visits/start/999999'));
	await expect(page.getByRole('heading', { name: "We can't find this visit" })).toBeVisible();
	await page.goto(`${clinic.demo.base_url}/nowhere`);
	await expect(page.getByRole('heading', { name: 'There is nothing at this address' })).toBeVisible();
});

test('the page after sign-in is always one of ours', async ({ clinic, newPerson }) => {
	const patient = await clinic.sso(200);
	const page = await newPerson();
	for (const next of ['//evil.example/', 'https://evil.example/', '/\\evil.example']) {
		await page.goto(clinic.authUrl(patient, next));
		expect(new URL(page.url()).origin).toBe(new URL(clinic.demo.base_url).origin);
	}
});

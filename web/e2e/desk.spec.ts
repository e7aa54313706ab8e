/** The provider's list: live, still under the pointer, honest about colleagues. */
import { signIn, take } from './kit/provider.ts';
import { expect, test } from './kit/test.ts';

test('a wrong password has one sentence, and the way back is kept', async ({ clinic, newPerson }) => {
	const page = await newPerson();
	await page.goto(`${clinic.demo.base_url}/providers/dashboard?visit=1`);
	await page.getByLabel('Username or e-mail').fill(clinic.provider.username);
	await page.getByLabel('Password', { exact: true }).fill('not this one');
	await page.getByRole('button', { name: 'Sign in' }).click();
	await expect(page.getByRole('alert')).toHaveText(/Username and password do not belong together/);
	await expect(page.getByLabel('Username or e-mail')).toHaveValue(clinic.provider.username);
	await page.getByLabel('Password', { exact: true }).fill(clinic.provider.password);
	await page.getByRole('button', { name: 'Sign in' }).click();
	await expect(page).toHaveURL(/\/providers\/dashboard\?visit=1$/);
	await page.getByRole('button', { name: 'Sign out' }).click();
	await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});

test('arrivals appear live and the list holds still under the pointer', async ({ clinic, newPerson }) => {
	const page = await newPerson();
	await signIn(page, clinic);
	await expect(page.getByText('Nobody is waiting.').first()).toBeVisible();
	await page
		.getByRole('button', { name: /^Copy link of/ })
		.first()
		.click();
	await expect(page.getByText('Copied. Send it to your patient.')).toBeVisible();

	await clinic.walkIn(await clinic.sso(200, { first_name: 'Ana', last_name: 'Ruiz' }));
	const rows = page.getByRole('list', { name: 'Waiting' }).getByRole('listitem');
	await expect(rows).toHaveText([/Ana Ruiz/]);

	await rows.first().hover();
	// She asked for this very provider, so she stands first; yet nothing moves under the pointer.
	const wanted = await clinic.sso(200, { first_name: 'Bea', last_name: 'Stone' });
	await clinic.walkIn(wanted, { provider_id: clinic.provider.id });
	await expect(rows).toHaveText([/Ana Ruiz/, /Bea Stone.*for you/]);
	await page.mouse.move(900, 500);
	await expect(rows).toHaveText([/Bea Stone/, /Ana Ruiz/]);
	await expect(page).toHaveTitle('(2) Waiting · Bedside');
});

test('a colleague who is faster is named; a patient who asked for somebody is taken only after a question', async ({
	clinic,
	newPerson,
}) => {
	const [, colleague] = clinic.demo.providers;
	if (!colleague) throw new Error('The demo clinic has more than one provider.');
	const page = await newPerson();
	await signIn(page, clinic);
	const first = await clinic.walkIn(await clinic.sso(200, { first_name: 'Ana', last_name: 'Ruiz' }));
	const rows = page.getByRole('list', { name: 'Waiting' }).getByRole('listitem');
	await expect(rows).toHaveText([/Ana Ruiz/]);
	const token = await clinic.providerToken(colleague);
	await clinic.ok('POST', `/visits/${first}/accept`, { 'X-ApiToken': token }, {});
	await expect(rows).toHaveText([/Taken by Dr/]);
	await expect(page.getByText('Nobody is waiting.').first()).toBeVisible();
	await clinic.ok('POST', `/visits/${first}/complete`, { 'X-ApiToken': token }, {});

	const asking = await clinic.sso(200, { first_name: 'Bea', last_name: 'Stone' });
	await clinic.walkIn(asking, { provider_id: colleague.id });
	await expect(rows).toHaveText([/Bea Stone.*for Dr/]);
	await take(page, 'Bea Stone');
	await expect(page.getByRole('dialog')).toContainText('Bea Stone asked for Dr');
	await page.getByRole('button', { name: 'Take it all the same' }).click();
	await expect(page.getByText('Calling Bea…')).toBeVisible();
});

test('the keyboard alone is enough: read, take, leave, complete', async ({ clinic, newPerson }) => {
	await clinic.walkIn(await clinic.sso(200, { first_name: 'Ana', last_name: 'Ruiz' }));
	const second = await clinic.walkIn(await clinic.sso(200, { first_name: 'Bea', last_name: 'Stone' }));
	const page = await newPerson();
	await signIn(page, clinic);
	await page.getByRole('button', { name: /^Open the intake of Ana Ruiz/ }).focus();
	await page.keyboard.press('ArrowDown');
	await page.keyboard.press('Space');
	await expect(page.getByRole('heading', { name: 'Bea Stone' })).toBeVisible();
	await expect(page).toHaveURL(new RegExp(`visit=${second}$`));
	await page.reload();
	await expect(page.getByRole('heading', { name: 'Bea Stone' })).toBeVisible();
	await page.keyboard.press('n');
	await expect(page.getByText('Calling Ana…')).toBeVisible();
	await page.keyboard.press('m');
	await expect(page.getByRole('button', { name: 'Unmute' })).toBeVisible();
	await page.getByRole('button', { name: 'Complete visit' }).first().focus();
	await page.keyboard.press('Enter');
	await page.getByRole('dialog').getByRole('button', { name: 'Complete visit' }).focus();
	await page.keyboard.press('Enter');
	// What comes next is the next person, nothing else.
	await expect(page.getByRole('heading', { name: 'Bea Stone' })).toBeVisible();
});

test('a list that was asked for before a visit was taken does not undo the taking', async ({
	clinic,
	newPerson,
}) => {
	await clinic.walkIn(await clinic.sso(200, { first_name: 'Ana', last_name: 'Ruiz' }));
	const page = await newPerson();
	await signIn(page, clinic);
	await expect(page.getByRole('list', { name: 'Waiting' })).toContainText('Ana Ruiz');

	let release = () => {};
	const held = new Promise<void>((resolve) => {
		release = resolve;
	});
	let caught = () => {};
	const asked = new Promise<void>((resolve) => {
		caught = resolve;
	});
	await page.route(
		/\/api_v3\/visits\?status=10/,
		async (route) => {
			const answer = await route.fetch();
			caught();
			await held;
			await route.fulfill({ response: answer });
		},
		{ times: 1 },
	);
	// An arrival makes the page ask; the answer to that question is the late one.
	await clinic.walkIn(await clinic.sso(200, { first_name: 'Bea', last_name: 'Stone' }));
	await asked;
	await take(page, 'Ana Ruiz');
	await expect(page.getByText('Calling Ana…')).toBeVisible();
	const late = page.waitForResponse(/\/api_v3\/visits\?status=10/);
	release();
	await late;
	await expect(page.getByText('Bea Stone', { exact: true })).toBeVisible();
	await expect(page.getByText('Calling Ana…')).toBeVisible();
});

test('without the live stream the list says so and goes on by asking', async ({ clinic, newPerson }) => {
	const page = await newPerson();
	await page.route('**/api_v3/events/stream*', (route) => route.abort());
	await signIn(page, clinic);
	await expect(page.getByText(/^Live updates paused/)).toBeVisible();
	await clinic.walkIn(await clinic.sso(200, { first_name: 'Ana', last_name: 'Ruiz' }));
	await expect(page.getByRole('list', { name: 'Waiting' })).toContainText('Ana Ruiz');
});

/** Axe on every page and state, light and dark. What is serious or critical fails. */
import { expectAccessible } from './kit/accessible.ts';
import { passDeviceCheck } from './kit/patient.ts';
import { signIn, take } from './kit/provider.ts';
import { expect, test } from './kit/test.ts';

test('pages that need nobody', async ({ clinic, newPerson }) => {
	const page = await newPerson();
	const base = clinic.demo.base_url;
	for (const path of [
		'/',
		'/providers/login',
		`/u/${clinic.room.slug}`,
		'/u/unknown-room',
		'/admin/setup',
		'/forgot',
		'/password',
		`/visits/join/${'0'.repeat(32)}`,
		'/nowhere',
		'/demo',
	]) {
		await page.goto(base + path);
		await expect(page.getByRole('heading').first()).toBeVisible();
		await expectAccessible(page, path);
	}
	await page.goto(`${base}/auth?sso_token=${'0'.repeat(32)}&next=/`);
	await expectAccessible(page, 'expired token');
});

test('the guest form, step by step', async ({ clinic, newPerson }) => {
	const page = await newPerson();
	await page.goto(`${clinic.demo.base_url}/u/${clinic.room.slug}`);
	await page.getByRole('button', { name: 'Continue' }).click();
	await expectAccessible(page, 'who is missing');
	await page.getByRole('radio', { name: /^Somebody else/ }).check({ force: true });
	await page.getByRole('button', { name: 'Continue' }).click();
	await expect(page.getByLabel('First name')).toBeVisible();
	await page.getByRole('button', { name: 'Continue' }).click();
	await expectAccessible(page, 'names are missing');
	await page.getByLabel('First name').fill('Gina');
	await page.getByLabel('Last name').fill('Guest');
	await page.getByLabel('Your own name').fill('Greta Guest');
	await page.getByRole('button', { name: 'Continue' }).click();
	await expect(page.getByLabel('Day')).toBeVisible();
	await expectAccessible(page, 'birth date');
});

test('a visit from both sides', async ({ clinic, newPerson }) => {
	test.setTimeout(300_000);
	const patient = await clinic.sso(200);
	const visitId = await clinic.walkIn(patient);
	const patientPage = await newPerson();
	await patientPage.goto(clinic.authUrl(patient, `/visits/start/${visitId}`));
	await expect(patientPage.getByRole('button', { name: 'Go to the waiting room' })).toBeVisible();
	await expectAccessible(patientPage, 'device check');
	await passDeviceCheck(patientPage);
	await expectAccessible(patientPage, 'waiting room');
	await patientPage.getByRole('button', { name: 'Leave the waiting room' }).click();
	await expectAccessible(patientPage, 'leaving is asked');
	await patientPage.getByRole('button', { name: 'Stay' }).click();

	const providerPage = await newPerson();
	await signIn(providerPage, clinic);
	await expect(providerPage.getByText('Cough for a week').first()).toBeVisible();
	await expectAccessible(providerPage, 'dashboard');
	await providerPage.setViewportSize({ width: 360, height: 740 });
	await expectAccessible(providerPage, 'dashboard on a phone');
	await providerPage.setViewportSize({ width: 1440, height: 900 });
	await take(providerPage, 'Maria Santos');
	await expect(providerPage.getByText('Calling Maria…')).toBeVisible();
	await expectAccessible(providerPage, 'calling');
	// The patient's page has joined by itself in the meantime.
	await expect(providerPage.getByLabel(/^Video of/)).toBeVisible();
	await expect(patientPage.getByLabel(/^Video of/)).toBeVisible();
	await expectAccessible(patientPage, 'call, patient');
	await expectAccessible(providerPage, 'call, provider');
	await providerPage.getByRole('button', { name: 'Complete visit' }).first().click();
	await expectAccessible(providerPage, 'completing is asked');
	await providerPage.getByRole('dialog').getByRole('button', { name: 'Complete visit' }).click();
	await expect(patientPage.getByRole('heading', { name: /^You're done/ })).toBeVisible();
	await expectAccessible(patientPage, 'goodbye');
	await expect(providerPage.getByText('Nobody is waiting.').first()).toBeVisible();
	await expectAccessible(providerPage, 'empty dashboard');
});

/** The waiting room remembers: a closed page keeps its place, whoever leaves is called, delays are told. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expectAccessible } from './kit/accessible.ts';
import type { Clinic } from './kit/clinic.ts';
import { expectNext, passDeviceCheck } from './kit/patient.ts';
import { signIn } from './kit/provider.ts';
import { expect, type Page, test } from './kit/test.ts';

/** A fresh patient in the waiting room. */
async function waits(clinic: Clinic, page: Page, first_name: string) {
	const person = await clinic.sso(200, { first_name, last_name: 'Santos' });
	const id = await clinic.walkIn(person);
	await page.goto(clinic.authUrl(person, `/visits/start/${id}`));
	await passDeviceCheck(page);
	await expectNext(page);
	return { person, id };
}

test('a page that was closed and opened again has its place', async ({ clinic, newPerson }) => {
	const page = await newPerson();
	const { id } = await waits(clinic, page, 'Maria');
	await expect(page.getByText('your place is kept for 10 minutes', { exact: false })).toBeVisible();
	const context = page.context();
	const address = page.url();
	await page.close();
	const again = await context.newPage();
	await again.goto(address);
	await passDeviceCheck(again);
	await expectNext(again);
	expect(await clinic.visit(id)).toMatchObject({ status: '10' });
});

test('a place that was given up is joined again with one tap', async ({ clinic, newPerson }) => {
	const page = await newPerson();
	const { person, id } = await waits(clinic, page, 'Maria');
	// As the server does after the grace time, away from this page.
	await clinic.ok(
		'POST',
		`/visits/${id}/close`,
		{ 'X-ApiToken': person.token },
		{ reason: 'patient_exit_room' },
	);
	await expect(page.getByRole('heading', { name: "You're not in the waiting room any more" })).toBeVisible();
	await expectAccessible(page, 'a place was given up');
	await page.getByRole('button', { name: 'Join again' }).click();
	await expect(page).not.toHaveURL(new RegExp(`/${id}$`));
	await passDeviceCheck(page);
	await expectNext(page);
});

test('whoever leaves gets a text when it is their turn', async ({ clinic, newPerson }) => {
	const admin = { 'X-ApiToken': clinic.demo.admin_token };
	await clinic.ok('POST', '/notifications/test', admin, { channel: 'sms', to: '+15550100199' });
	const page = await newPerson();
	await page.setViewportSize({ width: 360, height: 740 });
	const { id } = await waits(clinic, page, 'Maria');
	await page.getByRole('button', { name: "Text me when it's my turn" }).click();
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('Your mobile number').fill('12');
	await dialog.getByRole('button', { name: 'Call me' }).click();
	await expect(dialog.getByText('This is no number that we can text.', { exact: false })).toBeVisible();
	await expectAccessible(page, 'a number is asked for');
	await dialog.getByLabel('Your mobile number').fill('+1 555 010 0123');
	await dialog.getByRole('button', { name: 'Call me' }).click();
	await expect(page.getByText('We text you when you', { exact: false })).toBeVisible();
	await expectAccessible(page, 'the place is kept');
	await page.close();

	const provider = await clinic.providerToken(clinic.provider);
	await clinic.ok('POST', `/visits/${id}/accept`, { 'X-ApiToken': provider }, {});
	const folder = join(clinic.mailFolder, '../sms');
	await expect
		.poll(
			async () => {
				const names = await readdir(folder).catch(() => [] as string[]);
				const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
				return texts.filter((text) => text.includes('15550100123')).length;
			},
			{ timeout: 20_000 },
		)
		.toBeGreaterThan(0);
});

test('a provider who runs late tells everybody in one act', async ({ clinic, newPerson }) => {
	const page = await newPerson();
	const { person } = await waits(clinic, page, 'Maria');
	const desk = await newPerson();
	await desk.setViewportSize({ width: 1440, height: 900 });
	await signIn(desk, clinic);
	const asked = await newPerson();
	const tom = await clinic.sso(200, { first_name: 'Tom', last_name: 'Becker' });
	const id = await clinic.walkIn(tom, { provider_id: clinic.provider.id });
	await asked.goto(clinic.authUrl(tom, `/visits/start/${id}`));
	await passDeviceCheck(asked);
	await desk.getByRole('button', { name: '+20 min' }).click();
	await expect(desk.getByText('+20 minutes.', { exact: false })).toBeVisible();
	await expect(asked.getByText('Running about 20 minutes late today.')).toBeVisible();
	await expectAccessible(desk, 'running late');
	await expectAccessible(asked, 'the provider runs late');
	await desk.getByRole('button', { name: 'In time' }).click();
	await expect(asked.getByText('Running about 20 minutes late today.')).toHaveCount(0);
	expect(person.first_name).toBe('Maria');
});

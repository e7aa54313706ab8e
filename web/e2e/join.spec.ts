/** Guests: they come by a visit's link, wait at the door, and are let in or not. */
import { expectAccessible } from './kit/accessible.ts';
import { expectPicture, expectSeenAndHeard } from './kit/media.ts';
import { joinWhenReady, passDeviceCheck } from './kit/patient.ts';
import { complete, signIn, take } from './kit/provider.ts';
import { expect, type Page, test } from './kit/test.ts';

async function asks(page: Page, name: string, role: string): Promise<void> {
	await page.getByLabel('What is your name?').fill(name);
	await page.getByRole('radio', { name: new RegExp(`^${role}`) }).check({ force: true });
	await page.getByRole('button', { name: 'Ask to join' }).click();
	await expect(page.getByRole('heading', { name: /^Waiting (for|to)/ })).toBeVisible();
}

test('a guest asks, is let in, and talks with the others', async ({ clinic, newPerson }) => {
	test.setTimeout(300_000);
	const patient = await clinic.sso(200);
	const id = await clinic.walkIn(patient);
	const patientPage = await newPerson();
	await patientPage.goto(clinic.authUrl(patient, `/visits/start/${id}`));
	await passDeviceCheck(patientPage);
	const provider = await newPerson();
	await signIn(provider, clinic);
	await take(provider, 'Maria Santos');
	await joinWhenReady(patientPage);
	await expectPicture(provider, /^Video of Maria/);

	// The link comes from the provider's page.
	await provider.getByRole('button', { name: 'Copy the guest link' }).click();
	await expect(provider.getByText('Whoever has it can ask to join')).toBeVisible();
	const link = await provider.evaluate(() => navigator.clipboard.readText());
	expect(link).toMatch(/\/visits\/join\/[0-9a-f]{32}$/);

	const guest = await newPerson();
	await guest.goto(link);
	await expect(guest.getByRole('heading', { name: /^Join a visit at/ })).toBeVisible();
	await expectAccessible(guest, 'join');
	await guest.getByRole('button', { name: 'Ask to join' }).click();
	await expect(guest.getByText('Enter your name.')).toBeVisible();
	await expect(guest.getByText('Choose who you are in this visit.')).toBeVisible();
	await expectAccessible(guest, 'join, empty');
	await asks(guest, 'Ines Prado', 'Interpreter');
	await expectAccessible(guest, 'waiting at the door');

	await expect(provider.getByText('Ines Prado asks to join (interpreter).')).toBeVisible();
	await expectAccessible(provider, 'somebody asks to join');
	// A reload keeps the place.
	await guest.reload();
	await expect(guest.getByRole('heading', { name: /^Waiting for/ })).toBeVisible();
	await provider.getByRole('button', { name: 'Admit Ines Prado' }).click();
	await expect(guest.getByRole('toolbar', { name: 'Call controls' })).toBeVisible();
	await expectSeenAndHeard(guest, 'the guest');
	await expectPicture(guest, /^Video of Maria/);
	await expectAccessible(guest, 'call, guest');
	await expectPicture(provider, /^Video of Ines Prado/);
	await expect(provider.getByText('interpreter · in the call')).toBeVisible({ timeout: 20_000 });
	await expectPicture(patientPage, /^Video of Ines Prado/);

	// Out and in again, without asking twice.
	await guest.getByRole('button', { name: 'Leave', exact: true }).click();
	await guest.getByRole('dialog').getByRole('button', { name: 'Leave', exact: true }).click();
	await expect(guest.getByRole('heading', { name: 'You left the call' })).toBeVisible();
	await guest.getByRole('button', { name: 'Rejoin' }).click();
	await expect(guest.getByRole('toolbar', { name: 'Call controls' })).toBeVisible();

	await complete(provider);
	await expect(guest.getByRole('heading', { name: 'This visit is over' })).toBeVisible({ timeout: 20_000 });
	await expectAccessible(guest, 'over, guest');
});

test('a guest is not let in, and one who was is shown out', async ({ clinic, newPerson }) => {
	test.setTimeout(200_000);
	const patient = await clinic.sso(200);
	const id = await clinic.walkIn(patient);
	const code = String((await clinic.visit(id)).code);
	const guest = await newPerson();
	// Before the visit has begun one may wait already.
	await guest.goto(`${clinic.demo.base_url}/visits/join/${code}`);
	await expect(guest.getByText('The visit has not begun yet.', { exact: false })).toBeVisible();
	await asks(guest, 'Karl Becker', 'Family');
	const provider = await newPerson();
	await signIn(provider, clinic);
	await take(provider, 'Maria Santos');
	await expect(provider.getByText('Karl Becker asks to join (family).')).toBeVisible();
	await provider.getByRole('button', { name: 'Decline Karl Becker' }).click();
	await expect(guest.getByRole('heading', { name: 'You were not let in' })).toBeVisible();
	await expectAccessible(guest, 'not let in');
	// The provider changes their mind, and changes it again.
	await provider.getByRole('button', { name: 'Admit Karl Becker' }).click();
	await expect(guest.getByRole('toolbar', { name: 'Call controls' })).toBeVisible({ timeout: 20_000 });
	await provider.getByRole('button', { name: 'Remove Karl Becker' }).click();
	await expect(guest.getByRole('heading', { name: 'You were not let in' })).toBeVisible({ timeout: 20_000 });
	await complete(provider);
	await expect(guest.getByRole('heading', { name: 'This visit is over' })).toBeVisible({ timeout: 20_000 });
});

test('a wrong link, a visit that is over, and one that was cancelled', async ({ clinic, newPerson }) => {
	const page = await newPerson();
	const at = (code: string) => `${clinic.demo.base_url}/visits/join/${code}`;
	await page.goto(at('0'.repeat(32)));
	await expect(page.getByRole('heading', { name: "We don't know this link" })).toBeVisible();
	await expectAccessible(page, 'wrong link');
	const patient = await clinic.sso(200);
	const id = await clinic.walkIn(patient);
	const code = String((await clinic.visit(id)).code);
	await clinic.ok(
		'POST',
		`/visits/${id}/close`,
		{ 'X-ApiToken': patient.token },
		{ reason: 'patient_exit_room' },
	);
	await page.goto(at(code));
	await expect(page.getByRole('heading', { name: 'This visit was cancelled' })).toBeVisible();
	const second = await clinic.sso(200);
	const visit = await clinic.walkIn(second);
	const open = String((await clinic.visit(visit)).code);
	await clinic.emptyQueue();
	await page.goto(at(open));
	await expect(page.getByRole('heading', { name: 'This visit is over' })).toBeVisible();
});

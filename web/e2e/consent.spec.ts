/** A room that asks for consent: the text is shown, agreed to by name, and the visit goes on where it stopped. */
import { expectAccessible } from './kit/accessible.ts';
import type { Clinic, Person, Room } from './kit/clinic.ts';
import { passDeviceCheck } from './kit/patient.ts';
import { expect, type Page, test } from './kit/test.ts';

const TITLE = 'Consent to a video visit';

/** A room of its own, so that no other test meets the gate. */
async function gatedRoom(clinic: Clinic, slug: string): Promise<Room> {
	const admin = { 'X-ApiToken': clinic.demo.admin_token };
	const text = `You are seen by video.\n\n${'The picture is not recorded. '.repeat(60)}`;
	const translations = [{ language: 'es', title: 'Consentimiento', text: 'Le atienden por vídeo.' }];
	await clinic.ok('POST', '/consent_documents', admin, { title: TITLE, text, translations });
	return clinic.ok<Room>('POST', '/rooms', admin, {
		slug,
		code: slug,
		name: 'Video care',
		consent_required: ['consent'],
	});
}

async function consentsOf(
	clinic: Clinic,
	person: Person,
): Promise<{ typed_name: string; version: number }[]> {
	return clinic.ok('GET', '/users/-/consents', { 'X-ApiToken': person.token });
}

async function enter(page: Page, clinic: Clinic, person: Person, room: Room): Promise<void> {
	await page.goto(clinic.authUrl(person, `/u/${room.slug}`));
	await page.getByRole('textbox').fill('Sore throat');
	await page.getByRole('button', { name: 'Enter the waiting room' }).click();
}

test('the text is read, put off, agreed to by name, and the visit goes on', async ({ clinic, newPerson }) => {
	const room = await gatedRoom(clinic, 'consent-e2e');
	const patient = await clinic.sso(200);
	const page = await newPerson();
	await page.setViewportSize({ width: 360, height: 640 });
	await enter(page, clinic, patient, room);
	const dialog = page.getByRole('dialog', { name: TITLE });
	await expect(dialog).toContainText('You are seen by video.');
	await expect(dialog.getByRole('button', { name: 'I agree' })).toBeInViewport();
	await expectAccessible(page, 'the consent');

	// Put off: nothing is lost, and nobody is let in.
	await dialog.getByRole('button', { name: 'Not now' }).click();
	await expect(page.getByRole('alert')).toContainText('agree');
	await expect(page.getByRole('textbox')).toHaveValue('Sore throat');
	expect(await consentsOf(clinic, patient)).toEqual([]);

	await page.setViewportSize({ width: 1440, height: 900 });
	await page.getByRole('button', { name: 'Enter the waiting room' }).click();
	await dialog.getByRole('button', { name: 'I agree' }).click();
	await expect(dialog).toContainText('Type your full name.');
	await expectAccessible(page, 'the consent without a name');
	await dialog.getByLabel('Your full name').fill('Maria Santos');
	await page.keyboard.press('Enter');
	await expect(page).toHaveURL(/\/visits\/start\/\d+$/);
	await passDeviceCheck(page);
	expect(await consentsOf(clinic, patient)).toMatchObject([{ typed_name: 'Maria Santos', version: 1 }]);
});

test('a text that changes while it is read is shown anew', async ({ clinic, newPerson }) => {
	const room = await gatedRoom(clinic, 'consent-e2e-anew');
	const patient = await clinic.sso(200);
	const page = await newPerson();
	await enter(page, clinic, patient, room);
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('Your full name').fill('Maria Santos');
	const admin = { 'X-ApiToken': clinic.demo.admin_token };
	const newer = { title: 'Consent, second edition', text: 'You are seen and heard.' };
	await clinic.ok('POST', '/consent_documents', admin, newer);
	await dialog.getByRole('button', { name: 'I agree' }).click();
	await expect(dialog).toContainText('The clinic has just changed this text.');
	await expect(dialog).toContainText('You are seen and heard.');
	await dialog.getByRole('button', { name: 'I agree' }).click();
	await expect(page).toHaveURL(/\/visits\/start\/\d+$/);
	const [given] = await consentsOf(clinic, patient);
	expect(given?.typed_name).toBe('Maria Santos');
});

test('a visit that staff made asks its patient before the call', async ({ clinic, newPerson }) => {
	const room = await gatedRoom(clinic, 'consent-e2e-staff');
	const patient = await clinic.sso(200);
	const admin = { 'X-ApiToken': clinic.demo.admin_token };
	await clinic.ok('POST', `/users/${clinic.provider.id}/rooms`, admin, { room_code: room.code });
	const intake = await clinic.ok<{ id: string }>(
		'POST',
		'/intakes',
		{ 'X-ApiToken': patient.token },
		{
			room_code: room.code,
			reason_for_visit: 'Cough',
		},
	);
	const visit = await clinic.ok<{ id: string }>('POST', '/visits/add_walkin', admin, {
		intake_id: intake.id,
		room_code: room.code,
	});
	const page = await newPerson();
	await page.goto(clinic.authUrl(patient, `/visits/start/${visit.id}`));
	await passDeviceCheck(page);
	const provider = { 'X-ApiToken': await clinic.providerToken() };
	await clinic.ok('POST', `/visits/${visit.id}/accept`, provider, {});
	const dialog = page.getByRole('dialog');
	const join = page.getByRole('button', { name: 'Join now' });
	await expect(dialog.or(join)).toBeVisible();
	if (await join.isVisible()) await join.click({ timeout: 6000 }).catch(() => undefined);
	await dialog.getByLabel('Your full name').fill('Maria Santos');
	await dialog.getByRole('button', { name: 'I agree' }).click();
	await expect(page.getByRole('toolbar', { name: 'Call controls' })).toBeVisible();
	// The call's controls are there while the answer is still on its way.
	await expect.poll(() => consentsOf(clinic, patient)).toHaveLength(1);
});

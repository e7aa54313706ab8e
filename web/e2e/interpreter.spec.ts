/** Interpreters: the patient says which language, the provider presses once, and whoever accepts is in the call. */
import { expectAccessible } from './kit/accessible.ts';
import type { Clinic } from './kit/clinic.ts';
import { nextLetter } from './kit/mail.ts';
import { expectPicture, expectSeenAndHeard } from './kit/media.ts';
import { joinWhenReady, passDeviceCheck } from './kit/patient.ts';
import { complete, signIn, take } from './kit/provider.ts';
import { expect, test } from './kit/test.ts';

async function listed(clinic: Clinic, name: string, email: string, languages: string[], order: number) {
	const body = { name, email, languages, order };
	await clinic.ok('POST', '/interpreters', { 'X-ApiToken': clinic.demo.admin_token }, body);
}

test('one press asks an interpreter after another, and a yes is in the call', async ({
	clinic,
	newPerson,
}) => {
	test.setTimeout(200_000);
	await listed(clinic, 'Bea Ruiz', 'bea@interpreters.example', ['es'], 1);
	await listed(clinic, 'Ines Prado', 'ines@interpreters.example', ['es', 'pt-BR'], 2);

	// The patient finds their own language at intake.
	const patient = await clinic.sso(200);
	const patientPage = await newPerson();
	await patientPage.goto(clinic.authUrl(patient, `/u/${clinic.room.slug}`));
	await patientPage.getByLabel('What would you like to talk about?').fill('Cough for a week');
	await expectAccessible(patientPage, 'intake with interpreters');
	await patientPage.getByLabel('Do you need an interpreter?').selectOption('español (Spanish)');
	await patientPage.getByRole('button', { name: 'Enter the waiting room' }).click();
	await passDeviceCheck(patientPage);

	const provider = await newPerson();
	await signIn(provider, clinic);
	await take(provider, 'Maria Santos');
	await joinWhenReady(patientPage);
	const panel = provider.getByRole('region', { name: 'Interpreter' });
	await expect(panel.getByText('The patient asked for Spanish.')).toBeVisible();
	await expect(panel.getByLabel('Language')).toHaveValue('es');
	await expectAccessible(provider, 'call with interpreters');
	await panel.getByRole('button', { name: 'Ask an interpreter' }).click();
	await expect(panel.getByText('Asking Bea Ruiz (Spanish)')).toBeVisible();

	// The first one says no on a page of its own; the next one is asked at once.
	const first = await newPerson();
	await first.goto((await nextLetter(clinic, 'bea@', 0)).question ?? '');
	await expect(first.getByRole('heading', { name: 'Can you interpret now?' })).toBeVisible();
	await expectAccessible(first, 'asked to interpret');
	await first.getByRole('button', { name: 'Decline' }).click();
	await expect(first.getByRole('heading', { name: 'You have declined' })).toBeVisible();
	await expect(panel.getByText('Asking Ines Prado (Spanish)')).toBeVisible();
	await expect(panel.getByText('Bea Ruiz: declined')).toBeVisible();
	await expectAccessible(provider, 'asking an interpreter');

	// The second one says yes and is in the call, with the label of what they are.
	const second = await newPerson();
	const question = (await nextLetter(clinic, 'ines@', 0)).question ?? '';
	await second.goto(question);
	await second.getByRole('button', { name: 'Accept and join' }).click();
	await expect(second.getByRole('toolbar', { name: 'Call controls' })).toBeVisible();
	await expectSeenAndHeard(second, 'the interpreter');
	await expect(panel.getByText('Ines Prado has accepted (Spanish)')).toBeVisible();
	await expectPicture(provider, /^Video of Ines Prado/);
	await expect(provider.getByRole('listitem').filter({ hasText: 'Ines Prado, interpreter' })).toBeVisible();
	await expect(provider.getByRole('definition').filter({ hasText: /^Spanish$/ })).toBeVisible();
	await expect(
		patientPage.getByRole('listitem').filter({ hasText: 'Ines Prado, interpreter' }),
	).toBeVisible();

	// The letter leads back in, in another tab of the same browser too.
	await second.goto(question);
	await second.getByRole('button', { name: 'Join the call' }).click();
	await expect(second.getByRole('toolbar', { name: 'Call controls' })).toBeVisible();

	await complete(provider);
	await expect(second.getByRole('heading', { name: 'This visit is over' })).toBeVisible({ timeout: 20_000 });
	await second.goto(question);
	await expect(second.getByRole('heading', { name: 'Nobody is needed any more' })).toBeVisible();
});

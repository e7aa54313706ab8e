/** Calls hold: a network that is gone for 20 s and a server that starts anew are nothing that people have to act on. */
import type { Clinic } from './kit/clinic.ts';
import { expectSeenAndHeard } from './kit/media.ts';
import { joinWhenReady, passDeviceCheck } from './kit/patient.ts';
import { signIn, take } from './kit/provider.ts';
import { expect, type Page, test } from './kit/test.ts';

async function inCall(
	clinic: Clinic,
	newPerson: () => Promise<Page>,
	name: string,
): Promise<{ patient: Page; provider: Page }> {
	const person = await clinic.sso(200, { first_name: name, last_name: 'Vale' });
	const id = await clinic.walkIn(person);
	const patient = await newPerson();
	await patient.goto(clinic.authUrl(person, `/visits/start/${id}`));
	await passDeviceCheck(patient);
	const provider = await newPerson();
	await signIn(provider, clinic);
	await take(provider, `${name} Vale`);
	await joinWhenReady(patient);
	await expectSeenAndHeard(patient, 'The patient');
	await expectSeenAndHeard(provider, 'The provider');
	return { patient, provider };
}

test('nothing gets through for 20 s: the call says so, and is back by itself', async ({
	clinic,
	newPerson,
}) => {
	test.setTimeout(180_000);
	const { patient, provider } = await inCall(clinic, newPerson, 'Nell');
	const silence = clinic.silent(20_000);
	await expect(patient.getByText('Reconnecting…')).toBeVisible({ timeout: 20_000 });
	await silence;
	await expectSeenAndHeard(patient, 'The patient, after the cut');
	await expectSeenAndHeard(provider, 'The provider, after the cut');
	await expect(patient.getByText('Reconnecting…')).toBeHidden();
});

test('a server that starts anew in mid-call finds both people back in it', async ({ clinic, newPerson }) => {
	test.setTimeout(180_000);
	const { patient, provider } = await inCall(clinic, newPerson, 'Otto');
	await clinic.restart();
	const since = Date.now();
	await Promise.all([
		expectSeenAndHeard(patient, 'The patient, after the restart'),
		expectSeenAndHeard(provider, 'The provider, after the restart'),
	]);
	test.info().annotations.push({ type: 'back after', description: `${Date.now() - since} ms` });
	// On two cores with two encoders; alone it takes a few seconds.
	expect(Date.now() - since, 'ms until both see and hear each other again').toBeLessThan(20_000);
});

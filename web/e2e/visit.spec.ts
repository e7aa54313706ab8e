/** Use case 2 of the contract with two real browsers: from SSO to a completed visit. */
import { expectPicture, expectSeenAndHeard } from './kit/media.ts';
import { expectGoodbye, expectNext, joinWhenReady, passDeviceCheck } from './kit/patient.ts';
import { complete, signIn, take } from './kit/provider.ts';
import { expect, test } from './kit/test.ts';

test('a patient from a portal and a provider meet, are heard and seen, survive reloads, and the visit completes', async ({
	clinic,
	newPerson,
}) => {
	const patient = await clinic.sso(200);
	const visitId = await clinic.walkIn(patient);

	const patientPage = await newPerson();
	await patientPage.goto(clinic.authUrl(patient, `/visits/start/${visitId}`));
	expect(patientPage.url(), 'the token leaves the address').not.toContain(patient.token);
	await passDeviceCheck(patientPage);
	await expectNext(patientPage);

	const providerPage = await newPerson();
	await signIn(providerPage, clinic);
	await expect(providerPage).toHaveTitle('(1) Waiting · Bedside');
	await expect(
		providerPage.getByRole('list', { name: 'Waiting' }).getByText('Cough for a week'),
	).toBeVisible();
	await expect(providerPage.getByText('Is smoker')).toBeVisible();
	// Both sides at once: a ready page joins by itself after five seconds.
	await Promise.all([
		take(providerPage, 'Maria Santos'),
		expect(providerPage.getByText('Calling Maria…')).toBeVisible(),
		expect(providerPage.getByText(/Their page (is open right now|was last seen \d+ s ago)/)).toBeVisible(),
		expect(patientPage.getByRole('heading', { name: /is ready$/ })).toBeVisible(),
		expect(patientPage).toHaveTitle(/is ready!$/),
	]);
	await joinWhenReady(patientPage);
	await expectSeenAndHeard(patientPage, 'The patient');
	await expectSeenAndHeard(providerPage, 'The provider');
	await expectPicture(patientPage, /^Video of/);
	await expectPicture(providerPage, /^Video of Maria Santos/);

	await patientPage.reload();
	await expectSeenAndHeard(patientPage, 'The patient, after a reload');
	await expectSeenAndHeard(providerPage, 'The provider, after the patient’s reload');
	await providerPage.reload();
	await expectSeenAndHeard(providerPage, 'The provider, after a reload');
	await expectSeenAndHeard(patientPage, 'The patient, after the provider’s reload');

	await complete(providerPage);
	await expectGoodbye(patientPage, 'Maria');
	await expect(providerPage.getByText('Nobody is waiting.').first()).toBeVisible();
	await expect(
		providerPage.getByRole('region', { name: 'Today' }).getByText('Maria Santos').first(),
	).toBeVisible();

	const visit = await clinic.visit(visitId);
	expect(visit).toMatchObject({ id: visitId, status: '30', provider_id: clinic.provider.id });
	expect(Number(visit.actual_start)).toBeGreaterThan(0);
	expect(Number(visit.actual_end)).toBeGreaterThanOrEqual(Number(visit.actual_start));
});

test('leaving the call never completes the visit; both sides find their way back', async ({
	clinic,
	newPerson,
}) => {
	const patient = await clinic.sso(200, { first_name: 'Tom', last_name: 'Becker' });
	const visitId = await clinic.walkIn(patient);
	const patientPage = await newPerson();
	await patientPage.goto(clinic.authUrl(patient, `/visits/start/${visitId}`));
	await passDeviceCheck(patientPage);
	const providerPage = await newPerson();
	await signIn(providerPage, clinic);
	await take(providerPage, 'Tom Becker');
	// Nobody presses: a visible page joins by itself.
	await expectSeenAndHeard(providerPage, 'The provider');

	await providerPage.getByRole('button', { name: 'Leave call' }).click();
	await expect(providerPage.getByRole('button', { name: 'Rejoin', exact: true })).toBeVisible();
	expect(await clinic.visit(visitId)).toMatchObject({ status: '25' });
	await providerPage.getByRole('button', { name: 'Rejoin', exact: true }).click();
	await expectSeenAndHeard(providerPage, 'The provider, after rejoining');

	await patientPage.getByRole('button', { name: 'Leave', exact: true }).click();
	await patientPage.getByRole('dialog').getByRole('button', { name: 'Leave', exact: true }).click();
	await expect(patientPage.getByRole('heading', { name: 'You left the call' })).toBeVisible();
	await expect(providerPage.getByText(/^Tom has left the call/)).toBeVisible();
	await patientPage.getByRole('button', { name: 'Rejoin' }).click();
	await expectSeenAndHeard(patientPage, 'The patient, after rejoining');
	expect(await clinic.visit(visitId)).toMatchObject({ status: '25' });
});

test('a visit that is put back returns the patient to the waiting room, with a sentence', async ({
	clinic,
	newPerson,
}) => {
	const patient = await clinic.sso(200, { first_name: 'Nia', last_name: 'Okafor' });
	const visitId = await clinic.walkIn(patient);
	const patientPage = await newPerson();
	await patientPage.goto(clinic.authUrl(patient, `/visits/start/${visitId}`));
	await passDeviceCheck(patientPage);
	await expectNext(patientPage);
	const providerPage = await newPerson();
	await signIn(providerPage, clinic);
	await take(providerPage, 'Nia Okafor');
	await joinWhenReady(patientPage);
	await expectSeenAndHeard(providerPage, 'The provider');
	await providerPage.getByRole('button', { name: 'Leave call' }).click();
	await providerPage.getByRole('button', { name: 'Put back in the queue' }).click();
	await expect(patientPage.getByText(/had to put you back for a moment/)).toBeVisible();
	await expectNext(patientPage);
	expect(await clinic.visit(visitId)).toMatchObject({ status: '10', provider_id: null });
});

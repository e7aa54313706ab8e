/** A machine without camera and microphone: the stage still shows a whole visit. */
import { playStage } from './kit/stage.ts';
import { expect, test } from './kit/test.ts';

test('the demo camera stands in', async ({ clinic, newPerson }) => {
	const page = await newPerson();
	await page.setViewportSize({ width: 1440, height: 1000 });
	await page.goto(`${clinic.demo.base_url}/demo`);
	await expect(page.getByText(/^This machine has no camera/)).toBeVisible();
	await expect(page.getByRole('radio', { name: 'Demo camera' })).toBeChecked();
	await playStage(page, clinic);
});

test('a patient without any device hears about it in words and can still wait', async ({
	clinic,
	newPerson,
}) => {
	const patient = await clinic.sso(200);
	const visitId = await clinic.walkIn(patient);
	const page = await newPerson();
	await page.goto(clinic.authUrl(patient, `/visits/start/${visitId}`));
	await page.getByRole('button', { name: 'Check camera and microphone' }).click();
	await expect(page.getByText('We found no camera')).toBeVisible();
	await expect(page.getByText('We found no microphone')).toBeVisible();
	await page.getByRole('button', { name: 'Go on without camera and microphone' }).click();
	await expect(page.getByRole('heading', { name: "You're next." })).toBeVisible();
});

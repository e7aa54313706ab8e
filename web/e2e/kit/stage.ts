/** The whole story on the stage: one window, both sides, from "Start a visit" to the seven commands. */
import { expect, type Frame, type Page } from '@playwright/test';
import type { Clinic } from './clinic.ts';
import { expectPicture, expectSeenAndHeard } from './media.ts';
import { expectGoodbye, joinWhenReady, passDeviceCheck } from './patient.ts';
import { complete } from './provider.ts';

export async function playStage(page: Page, clinic: Clinic): Promise<void> {
	await page.getByRole('button', { name: 'Start a visit' }).click();
	const patient = page.frameLocator('iframe[title^="The patient"]');
	const provider = page.frameLocator('iframe[title^="The provider"]');
	await passDeviceCheck(patient);
	const row = provider.getByRole('list', { name: 'Waiting' }).getByRole('listitem');
	await expect(row).toHaveCount(1);
	await row.getByRole('button', { name: /^Take / }).click();
	await joinWhenReady(patient);

	const patientFrame = frameOf(page, '/visits/start/');
	const providerFrame = frameOf(page, '/providers/dashboard');
	await expectPicture(patientFrame, /^Video of/);
	await expectPicture(providerFrame, /^Video of/);
	await expectOneSound(page, patientFrame, providerFrame);

	const visitId = patientFrame.url().match(/\/visits\/start\/(\d+)/)?.[1] ?? '';
	const name = (await clinic.visit(visitId)).member as { first_name: string };
	await complete(provider);
	await expectGoodbye(patient, name.first_name);

	const over = page.getByRole('region', { name: /^The visit is over/ });
	await expect(over).toBeVisible();
	await expect(over.getByText('"status": "30"')).toBeVisible();
	const commands = over.getByRole('listitem');
	await expect(commands).toHaveCount(7);
	await expect(over).toContainText(visitId);
	await expect(over).toContainText(clinic.demo.api_key);

	const strip = page.getByRole('region', { name: 'What the API just did' });
	await expect(strip.getByText('visit.ended').first()).toBeVisible();
	await strip
		.getByRole('button', { name: /users\/sso/ })
		.first()
		.click();
	await expect(page.getByRole('dialog')).toContainText('curl');
	await page.getByRole('button', { name: 'Close' }).click();

	await page.reload();
	await expect(over.getByText('"status": "30"')).toBeVisible();
	await expect(commands).toHaveCount(7);
	await expectGoodbye(patient, name.first_name);
}

/**
 * Both see and hear each other, and two frames never both play sound, whichever the person chooses. A browser does not
 * even decode what it does not play, so each side is listened to in its turn.
 */
async function expectOneSound(page: Page, patient: Frame, provider: Frame): Promise<void> {
	const sounding = (frame: Frame) =>
		frame.evaluate(() => [...document.querySelectorAll('audio')].filter((audio) => !audio.muted).length);
	const both = async () => [await sounding(patient), await sounding(provider)];
	await expect.poll(both).toEqual([1, 0]);
	await expectSeenAndHeard(patient, 'The patient');
	const choice = page.getByRole('group', { name: 'Sound from' });
	await choice.getByRole('radio', { name: 'Provider' }).check();
	await expect.poll(both).toEqual([0, 1]);
	await expectSeenAndHeard(provider, 'The provider');
	await choice.getByRole('radio', { name: 'Nobody' }).check();
	await expect.poll(both).toEqual([0, 0]);
	await choice.getByRole('radio', { name: 'Patient' }).check();
	await expect.poll(both).toEqual([1, 0]);
}

function frameOf(page: Page, path: string): Frame {
	const frame = page.frames().find((each) => new URL(each.url(), 'http://x').pathname.startsWith(path));
	if (!frame) throw new Error(`The stage shows no frame of ${path}.`);
	return frame;
}

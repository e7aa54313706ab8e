/** The stage with the machine's own (fake) camera. */
import { playStage } from './kit/stage.ts';
import { expect, test } from './kit/test.ts';

test('the whole story in one window', async ({ clinic, newPerson }) => {
	const page = await newPerson();
	await page.setViewportSize({ width: 1440, height: 1000 });
	await page.goto(`${clinic.demo.base_url}/demo`);
	await expect(page.getByRole('radio', { name: 'Mine' })).toBeChecked();
	await playStage(page, clinic);
});

test('below 1000 px the frames become tabs', async ({ clinic, newPerson }) => {
	const page = await newPerson();
	await page.setViewportSize({ width: 800, height: 900 });
	await page.goto(`${clinic.demo.base_url}/demo`);
	await page.getByRole('button', { name: 'Start a visit' }).click();
	await expect(page.locator('iframe[title^="The patient"]')).toBeVisible();
	await expect(page.locator('iframe[title^="The provider"]')).toBeHidden();
	await page.getByRole('tab', { name: 'Provider' }).click();
	await expect(page.locator('iframe[title^="The provider"]')).toBeVisible();
	await expect(page.locator('iframe[title^="The patient"]')).toBeHidden();
});

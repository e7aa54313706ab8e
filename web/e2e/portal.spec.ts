/** Portals may put the pages below a path of their own, and people stay below it. */
import { expect, test } from './kit/test.ts';

for (const portal of ['/vc/next', '/vc/stable']) {
	test(`a patient who comes in below ${portal} stays there`, async ({ clinic, newPerson }) => {
		const patient = await clinic.sso(200);
		const page = await newPerson();
		const complaints: string[] = [];
		page.on('console', (message) => {
			if (/Content Security Policy|Refused to/i.test(message.text())) complaints.push(message.text());
		});
		const door = clinic.authUrl(patient, `/u/${clinic.room.slug}`).replace('/auth?', `${portal}/auth?`);
		await page.goto(door);
		await expect(page).toHaveURL(new RegExp(`${portal}/u/${clinic.room.slug}$`));
		await page.getByRole('textbox').first().fill('A rash on my arm');
		await page.getByRole('button', { name: 'Enter the waiting room' }).click();
		await expect(page).toHaveURL(new RegExp(`${portal}/visits/start/\\d+$`));
		await page.reload();
		await expect(page.getByRole('heading').first()).toBeVisible();
		await expect(page).toHaveURL(new RegExp(`${portal}/visits/start/\\d+$`));
		expect(complaints).toEqual([]);
	});
}

test('a provider signs in and out below the path', async ({ clinic, newPerson }) => {
	const page = await newPerson();
	await page.goto(`${clinic.demo.base_url}/vc/next/providers/dashboard`);
	await expect(page).toHaveURL(/\/vc\/next\/providers\/login\?next=/);
	await page.getByLabel('Username or e-mail').fill(clinic.provider.username);
	await page.getByLabel('Password', { exact: true }).fill(clinic.provider.password);
	await page.getByRole('button', { name: 'Sign in' }).click();
	await expect(page).toHaveURL(/\/vc\/next\/providers\/dashboard$/);
	await page.getByRole('button', { name: 'Sign out' }).click();
	await expect(page).toHaveURL(/\/vc\/next\/providers\/login$/);
});

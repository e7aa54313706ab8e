/** No page contacts another host: every test watches that; these are the pages no other test opens. */
import { expect, test } from './kit/test.ts';

test('the API reference comes from this server alone', async ({ clinic, newPerson }) => {
	const page = await newPerson();
	const complaints: string[] = [];
	page.on('console', (message) => {
		if (/Content Security Policy|Refused to/i.test(message.text())) complaints.push(message.text());
	});
	await page.goto(`${clinic.demo.base_url}/developers`);
	await page.getByRole('button', { name: 'Open Group - visits' }).click();
	await page
		.getByRole('link', { name: /walk-in|walkin/i })
		.first()
		.click();
	await expect(page.getByText('/visits/add_walkin').first()).toBeVisible();
	await page.waitForLoadState('networkidle');
	expect(complaints).toEqual([]);
});

test('the pages keep to their own policy', async ({ clinic, newPerson }) => {
	const page = await newPerson();
	const complaints: string[] = [];
	page.on('console', (message) => {
		if (message.type() === 'error' && /Content Security Policy|Refused to/i.test(message.text())) {
			complaints.push(message.text());
		}
	});
	for (const path of ['/', `/u/${clinic.room.slug}`, '/providers/login', '/demo', '/nowhere']) {
		const answer = await page.goto(clinic.demo.base_url + path);
		expect(answer?.headers()['content-security-policy'], path).toContain("default-src 'self'");
		await expect(page.getByRole('heading').first()).toBeVisible();
	}
	expect(complaints).toEqual([]);
});

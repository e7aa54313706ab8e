/** A patient reads Spanish: by their browser, or because they chose it; what they typed and where they are stays. */
import { expectAccessible } from './kit/accessible.ts';
import { expectNext, passDeviceCheck } from './kit/patient.ts';
import { signIn } from './kit/provider.ts';
import { expect, type Page, test } from './kit/test.ts';

async function shoot(page: Page, name: string): Promise<void> {
	const dir = process.env.BEDSIDE_SHOTS;
	if (dir) await page.screenshot({ path: `${dir}/${name}.png`, fullPage: true });
}

test('a choice shows at once, lasts, and is the patient’s own', async ({ clinic, newPerson }) => {
	const maria = await clinic.sso(200, { first_name: 'Maria', last_name: 'Santos' });
	const id = await clinic.walkIn(maria);
	const page = await newPerson();
	await page.setViewportSize({ width: 360, height: 740 });
	await page.goto(clinic.authUrl(maria, `/visits/start/${id}`));
	await passDeviceCheck(page);
	await expectNext(page);
	await expect(page.locator('html')).toHaveAttribute('lang', 'en');
	await page.getByRole('button', { name: 'Send a message' }).click();
	await page.getByLabel('Your message').fill('¿Necesita mi carta?');

	const [told] = await Promise.all([
		page.waitForResponse((one) => one.url().endsWith('/notifications/language')),
		page.getByRole('button', { name: 'Español' }).click(),
	]);
	expect(told.status()).toBe(200);
	await expect(page.getByRole('heading', { name: 'Usted es el siguiente.' })).toBeVisible();
	await expect(page.locator('html')).toHaveAttribute('lang', 'es');
	await expect(page.getByLabel('Su mensaje')).toHaveValue('¿Necesita mi carta?');
	await expect(page.getByText('Esta traducción aún no ha sido revisada.')).toBeVisible();
	await expectAccessible(page, 'the waiting room in Spanish');
	await shoot(page, 'waiting-es-360');
	// Not a word of ours is English any more; the clinic's own text about its room may be.
	await expect(page.getByRole('main').getByText(/\b(you|leave|send|camera and|turn)\b/i)).toHaveCount(0);

	await page.reload();
	await expect(page.getByRole('heading', { name: 'Usted es el siguiente.' })).toBeVisible();
	// The list of notifications speaks the language that the clinic knows of.
	const provider = await clinic.providerToken();
	await clinic.ok('POST', `/visits/${id}/accept`, { 'X-ApiToken': provider }, {});
	const title = async () => {
		const list = await clinic.ok<{ title: string }[]>('GET', '/notifications', { 'X-ApiToken': maria.token });
		return list[0]?.title;
	};
	await expect.poll(title, { timeout: 20_000 }).toBe('Su profesional le espera');
});

test('a browser that asks for Spanish gets it without a choice; those who work here read English', async ({
	clinic,
	browser,
}) => {
	const context = await browser.newContext({ locale: 'es-MX', viewport: { width: 360, height: 740 } });
	const page = await context.newPage();
	await page.goto(clinic.room.url);
	await expect(page.locator('html')).toHaveAttribute('lang', 'es');
	await expect(page.getByText('¿Para quién es la visita?')).toBeVisible();
	await expectAccessible(page, 'the room in Spanish');
	await shoot(page, 'room-es-360');
	await page.getByRole('button', { name: 'English' }).click();
	await expect(page.getByText('Who is the visit for?')).toBeVisible();
	await page.evaluate(() => localStorage.clear());
	await signIn(page, clinic);
	await expect(page.locator('html')).toHaveAttribute('lang', 'en');
	await expect(page.getByRole('button', { name: 'Sign out' })).toBeVisible();
	await context.close();
});

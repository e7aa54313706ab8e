/** A time that is kept while somebody books: it can be kept longer, and it ends. */
import { expectAccessible } from './kit/accessible.ts';
import { desk, opening, soon } from './kit/booking.ts';
import { Clinic } from './kit/clinic.ts';
import { test as base, expect, type Page } from './kit/test.ts';
import { trial } from './kit/trial.ts';

/** A server of its own: with a second clinic on it, pages ask everybody for the clinic's code. */
const test = base.extend<object, { clinic: Clinic }>({
	clinic: [
		// biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixture's needs from this pattern.
		async ({}, use) => {
			const clinic = await Clinic.start();
			await use(clinic);
			await clinic.stop();
		},
		{ scope: 'worker', timeout: 60_000 },
	],
});

test.use({ timezoneId: 'America/New_York' });

const times = (page: Page) => page.getByRole('button', { name: /^\d\d:\d\d$/ });

test('with little time left it is kept longer, as often as the server allows', async ({
	clinic,
	newPerson,
}) => {
	const heart = await desk(clinic, { hold_minutes: 5 });
	await opening(clinic, heart, soon(3), 1);
	const patient = await clinic.sso(200, { first_name: 'Ann', last_name: 'Reed' });
	const page = await newPerson();
	await page.clock.install();
	await page.goto(clinic.authUrl(patient, `/u/${heart.room}/book`));
	await times(page).first().click();
	await expect(page.getByText(/We keep this time for you for (5:00|4:5\d) minutes/)).toBeVisible();
	const more = page.getByRole('button', { name: 'I need more time' });
	await expect(more).toHaveCount(0);
	await page.getByLabel('What would you like to talk about?').fill('A mole');

	await page.clock.fastForward('03:00');
	await expect(page.getByText(/We keep this time for you for 1:5\d minutes/)).toBeVisible();
	await expectAccessible(page, 'little time left');
	// A network that is away is said, and the rest of the time still counts.
	await page.route(/\/slots\/hold\/.+renew/, (route) => route.abort());
	await more.click();
	await expect(page.getByRole('alert')).toContainText('We can');
	await page.unroute(/\/slots\/hold\/.+renew/);
	const [answer] = await Promise.all([
		page.waitForResponse(
			(one) => /\/slots\/hold\/.+renew/.test(one.url()) && one.request().method() === 'POST',
		),
		more.click(),
	]);
	expect(answer.status()).toBe(200);
	const { data } = (await answer.json()) as { data: { expires: number } };
	expect(data.expires * 1000).toBeGreaterThan(Date.now() + 4 * 60_000);
	// On the server's clock again, the whole time is there.
	await page.clock.setSystemTime(Date.now());
	await expect(page.getByText(/We keep this time for you for (5:00|4:[45]\d) minutes/)).toBeVisible();
	await expect(more).toHaveCount(0);
	await expect(page.getByLabel('What would you like to talk about?')).toHaveValue('A mole');
	await page.getByRole('button', { name: 'Book this time' }).click();
	await expect(page.getByRole('heading', { name: "You're booked" })).toBeVisible();
});

test('a time that is no longer kept goes to whoever books first, and the words stay', async ({
	clinic,
	newPerson,
}) => {
	const here = await trial(clinic);
	const heart = await desk(here.clinic, { hold_minutes: 5 });
	await opening(here.clinic, heart, soon(3), 1);
	const [ann, ben, cleo] = [
		await here.clinic.sso(200, { first_name: 'Ann', last_name: 'Reed' }),
		await here.clinic.sso(200, { first_name: 'Ben', last_name: 'Hale' }),
		await here.clinic.sso(200, { first_name: 'Cleo', last_name: 'Moss' }),
	];
	const slow = await newPerson();
	await slow.clock.install();
	await slow.goto(here.clinic.authUrl(ann, `/u/${heart.room}/book`));
	const time = (await times(slow).first().textContent())?.trim() ?? '';
	await slow.getByRole('button', { name: time, exact: true }).click();
	await slow.getByLabel('What would you like to talk about?').fill('A mole');

	// Kept: nobody else is offered it. Ended: it is free for the next.
	const quick = await newPerson();
	await quick.goto(here.clinic.authUrl(ben, `/u/${heart.room}/book`));
	await expect(times(quick).first()).toBeVisible();
	await expect(quick.getByRole('button', { name: time, exact: true })).toHaveCount(0);
	await here.advance(6 * 60);
	await slow.clock.fastForward('06:00');
	await expect(slow.getByText('This time is no longer kept for you.', { exact: false })).toBeVisible();
	await expect(slow.getByRole('button', { name: 'I need more time' })).toHaveCount(0);
	await expectAccessible(slow, 'a time is no longer kept');
	await quick.reload();
	await quick.getByRole('button', { name: time, exact: true }).click();
	await quick.getByLabel('What would you like to talk about?').fill('A rash');
	await quick.getByRole('button', { name: 'Book this time' }).click();
	await expect(quick.getByRole('heading', { name: "You're booked" })).toBeVisible();

	await slow.getByRole('button', { name: 'Book this time' }).click();
	await expect(slow.getByRole('alert')).toContainText('Somebody else took this time just now.');
	await expect(slow.getByRole('heading', { name: 'These are the nearest free times' })).toBeVisible();
	await expect(slow.getByLabel('What would you like to talk about?')).toHaveValue('A mole');

	// Where nobody came meanwhile, it is booked all the same.
	const late = await newPerson();
	await late.clock.install();
	await late.goto(here.clinic.authUrl(cleo, `/u/${heart.room}/book`));
	await times(late).first().click();
	await late.getByLabel('What would you like to talk about?').fill('My heart');
	await here.advance(6 * 60);
	await late.clock.fastForward('06:00');
	await expect(late.getByText('This time is no longer kept for you.', { exact: false })).toBeVisible();
	await late.getByRole('button', { name: 'Book this time' }).click();
	await expect(late.getByRole('heading', { name: "You're booked" })).toBeVisible();
});

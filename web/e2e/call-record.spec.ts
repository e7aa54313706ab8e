/** What happened in a call: told by the pages and the server, shown to the admin and the provider who had the visit. */
import { expectAccessible } from './kit/accessible.ts';
import { expectSeenAndHeard } from './kit/media.ts';
import { joinWhenReady, passDeviceCheck } from './kit/patient.ts';
import { complete, signIn, take } from './kit/provider.ts';
import { expect, test } from './kit/test.ts';

interface Row {
	part: string;
	path: string | null;
	join_ms: number | null;
	first_frame_ms: number | null;
	loss_down_ppm: number | null;
	freezes: number | null;
	device: string | null;
	end: number | null;
}

test('a call leaves its record, for the provider and for the admin', async ({ clinic, newPerson }) => {
	const patient = await clinic.sso(200, { first_name: 'Rita', last_name: 'Gray' });
	const id = await clinic.walkIn(patient);
	const patientPage = await newPerson();
	await patientPage.goto(clinic.authUrl(patient, `/visits/start/${id}`));
	await passDeviceCheck(patientPage);
	const providerPage = await newPerson();
	await signIn(providerPage, clinic);
	await take(providerPage, 'Rita Gray');
	await joinWhenReady(patientPage);
	await expectSeenAndHeard(patientPage, 'The patient');
	await expectSeenAndHeard(providerPage, 'The provider');

	// Both pages have told once, a while after they came in.
	const rows = () =>
		clinic.ok<Row[]>('GET', `/visits/${id}/call/quality`, { 'X-ApiToken': clinic.demo.admin_token });
	await expect
		.poll(
			async () => (await rows()).filter((row) => row.first_frame_ms !== null && row.path !== null).length,
			{
				timeout: 40_000,
			},
		)
		.toBe(2);
	for (const row of await rows()) {
		expect(row.join_ms, row.part).toBeLessThan(20_000);
		expect(row.first_frame_ms, row.part).toBeGreaterThan(0);
		expect(row.path, row.part).toBe('udp');
		expect(row.device, row.part).toMatch(/Chrome \d+ on Linux/);
		expect(row.loss_down_ppm, row.part).toBeLessThan(50_000);
	}

	await providerPage.getByRole('button', { name: 'Leave call' }).click();
	await expect(providerPage.getByRole('button', { name: 'Rejoin', exact: true })).toBeVisible();
	await providerPage.getByText('How the call was').click();
	await expect(providerPage.getByText('Until the first picture').first()).toBeVisible();
	await expect(providerPage.getByText('Rita Gray', { exact: true }).last()).toBeVisible();
	await complete(providerPage);
	await expect.poll(async () => (await rows()).every((row) => row.end !== null)).toBe(true);

	const admin = await newPerson();
	await admin.goto(`${clinic.demo.base_url}/admin/login?next=${encodeURIComponent('/admin/calls')}`);
	await admin.getByLabel('Username or e-mail').fill(clinic.demo.admin.username);
	await admin.getByLabel('Password', { exact: true }).fill(clinic.demo.admin.password);
	await admin.getByRole('button', { name: 'Sign in' }).click();
	await expect(admin.getByRole('heading', { name: 'Calls', exact: true })).toBeVisible();
	const entry = admin.getByRole('button', { name: /^Rita Gray/ }).first();
	await entry.click();
	await expect(entry).toHaveAttribute('aria-expanded', 'true');
	await expect(admin.getByText('Direct (UDP)').first()).toBeVisible();
	await expect(admin.getByText('Until the first picture').first()).toBeVisible();
	await expectAccessible(admin, 'calls');
	for (const width of [360, 1440]) {
		await admin.setViewportSize({ width, height: 900 });
		const over = await admin.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
		expect(over, `${width} px`).toBeLessThanOrEqual(0);
	}
});

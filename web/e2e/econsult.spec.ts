/** E-consults at the desk: a question in writing is answered without a call. */
import { expectAccessible } from './kit/accessible.ts';
import { complete, signIn } from './kit/provider.ts';
import { expect, test } from './kit/test.ts';

test('an e-consult is answered, and no call is entered', async ({ clinic, newPerson }) => {
	const patient = await clinic.sso(200, { first_name: 'Edda', last_name: 'Moreno' });
	const headers = { 'X-ApiToken': patient.token };
	const intake = await clinic.ok<{ id: string }>('POST', '/intakes', headers, {
		room_code: clinic.room.code,
		reason_for_visit: 'May I take both medicines?',
		type: 3,
	});
	const body = { intake_id: intake.id, room_code: clinic.room.code };
	const { id } = await clinic.ok<{ id: string }>('POST', '/visits/add_econsult', headers, body);
	const desk = await newPerson();
	await signIn(desk, clinic);
	const list = desk.getByRole('list', { name: 'Waiting' });
	await expect(list.getByText('May I take both medicines?')).toBeVisible();
	await expectAccessible(desk, 'an e-consult waits');
	await list.getByRole('button', { name: 'Answer Edda Moreno' }).click();
	await expect(desk.getByText('You have this visit. It has no video call.')).toBeVisible();
	await expect(desk.getByRole('toolbar', { name: 'Call controls' })).toHaveCount(0);
	await expect(desk.getByRole('button', { name: /Rejoin/ })).toHaveCount(0);
	await expectAccessible(desk, 'an e-consult is answered');
	expect(await clinic.visit(id)).toMatchObject({ status: '25', provider_id: clinic.provider.id });
	await complete(desk);
	await expect.poll(() => clinic.visit(id)).toMatchObject({ status: '30' });
});

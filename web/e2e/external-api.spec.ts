/** A portal of another origin shows a visit's call on its own page, with the page that docs/embedding.md prints. */
import { expectAccessible } from './kit/accessible.ts';
import type { Clinic, Person } from './kit/clinic.ts';
import { expectPicture, expectSeenAndHeard } from './kit/media.ts';
import { Site, Visitor, type Way } from './kit/site.ts';
import { test as base, expect } from './kit/test.ts';

const test = base.extend<{ site: Site }>({
	site: async ({ clinic }, use) => {
		const site = await Site.start(clinic);
		await admit(clinic, [site.origin]);
		await use(site);
		site.stop();
		await admit(clinic, []);
	},
});

async function admit(clinic: Clinic, origins: string[]): Promise<void> {
	const headers = { 'X-ApiToken': clinic.demo.admin_token };
	await clinic.ok('POST', '/accounts/-', headers, { embed_origins: origins });
}

/** What sign-on answers for the browser call SDK. */
async function vsee(clinic: Clinic, person: Person): Promise<Way['vsee']> {
	const path = `/users/${person.id}?fields=vsee`;
	return (await clinic.ok<{ vsee: Way['vsee'] }>('GET', path, { 'X-ApiToken': person.token })).vsee;
}

async function waiting(
	clinic: Clinic,
): Promise<{ patient: Person; provider: Person; id: string; meeting: Way['meeting'] }> {
	const patient = await clinic.sso(200);
	const provider = await clinic.sso(400, { first_name: 'Amara', last_name: 'Osei' });
	const rooms = { room_code: clinic.room.code };
	await clinic.ok('POST', `/users/${provider.id}/rooms`, { 'X-ApiToken': clinic.demo.admin_token }, rooms);
	const id = await clinic.walkIn(patient);
	const { meeting } = (await clinic.visit(id)) as unknown as { meeting: Way['meeting'] };
	return { patient, provider, id, meeting };
}

test('patient and provider meet on a portal of another origin, by its commands and events', async ({
	clinic,
	site,
	browser,
	contextOptions,
}) => {
	test.setTimeout(150_000);
	const { patient, provider, id, meeting } = await waiting(clinic);
	const theirs = await Visitor.open(browser, contextOptions, site, {
		vsee: await vsee(clinic, patient),
		meeting,
	});
	await expect(theirs.frame.getByRole('heading', { name: 'The call has not begun yet.' })).toBeVisible();
	expect(theirs.frame.url(), 'no token in an address').not.toContain(patient.token);

	const ours = await Visitor.open(browser, contextOptions, site, {
		vsee: await vsee(clinic, provider),
		meeting,
	});
	await expect(ours.frame.getByRole('heading', { name: 'Maria Santos is waiting.' })).toBeVisible();
	await ours.frame.getByRole('button', { name: 'Start the visit' }).click();

	const [me, you] = [`user-${patient.id}`, `user-${provider.id}`];
	await theirs.hears('videoConferenceJoined', {
		roomName: meeting.meeting_id,
		id: me,
		displayName: 'Maria Santos',
	});
	await ours.hears('videoConferenceJoined', { id: you });
	await theirs.hears('participantJoined', { id: you, displayName: 'Amara Osei' });
	await ours.hears('participantJoined', { id: me, displayName: 'Maria Santos' });
	expect(await theirs.ask('getNumberOfParticipants')).toBe(2);
	expect(await ours.ask('getParticipantsInfo')).toContainEqual(
		expect.objectContaining({ participantId: me, displayName: 'Maria Santos' }),
	);
	await expectPicture(theirs.frame, /^Video of/);
	await expectSeenAndHeard(theirs.frame, 'The patient');
	await expectSeenAndHeard(ours.frame, 'The provider');
	await expect(theirs.page.getByRole('status')).toHaveText('Amara Osei is here.');

	// Sound and picture, from the portal's own button and by command.
	expect(await ours.ask('isAudioMuted')).toBe(false);
	await ours.page.getByRole('button', { name: 'Mute' }).click();
	await ours.hears('audioMuteStatusChanged', { muted: true });
	await theirs.hears('participantMuted', { participantId: you, isMuted: true, mediaType: 'audio' });
	await expect(theirs.frame.getByText('Amara Osei is muted')).toBeVisible();
	await expect(ours.page.getByRole('button', { name: 'Unmute' })).toBeVisible();
	expect(await ours.ask('isAudioMuted')).toBe(true);
	await ours.command('toggleAudio');
	await theirs.hears('participantMuted', { participantId: you, isMuted: false, mediaType: 'audio' });
	await ours.command('toggleVideo');
	await ours.hears('videoMuteStatusChanged', { muted: true });
	await theirs.hears('participantMuted', { participantId: you, isMuted: true, mediaType: 'video' });
	expect(await ours.ask('isVideoMuted')).toBe(true);
	await ours.command('toggleVideo');
	await ours.hears('videoMuteStatusChanged', { muted: false });

	// Words, hands, views.
	await theirs.command('sendChatMessage', 'My cough is worse at night.');
	await theirs.hears('outgoingMessage', { message: 'My cough is worse at night.' });
	await ours.hears('incomingMessage', {
		from: me,
		nick: 'Maria Santos',
		message: 'My cough is worse at night.',
	});
	await ours.hears('chatUpdated', { isOpen: false, unreadCount: 1 });
	await ours.command('toggleChat');
	await ours.hears('chatUpdated', { isOpen: true, unreadCount: 0 });
	await expect(ours.frame.getByRole('log').getByText('My cough is worse at night.')).toBeVisible();
	await ours.command('toggleChat');
	await theirs.command('toggleRaiseHand');
	await theirs.hears('raiseHandUpdated', { id: me });
	await ours.hears('raiseHandUpdated', { id: me });
	await ours.command('toggleTileView');
	await ours.hears('tileViewChanged', { enabled: true });
	await expect(
		ours.frame.getByRole('list', { name: 'Everybody in the call' }).getByRole('listitem'),
	).toHaveCount(2);
	await expect(ours.frame.getByRole('listitem').getByText('hand up')).toBeVisible();
	await ours.command('toggleTileView');
	await ours.command('subject', 'Follow-up');
	await ours.hears('subjectChange', { subject: 'Follow-up' });
	await expect(ours.frame.getByText('Follow-up')).toBeVisible();
	await ours.command('setVideoQuality', 180);
	await ours.hears('videoQualityChanged', { videoQuality: 180 });

	// What this product does otherwise is said, not swallowed.
	for (const name of ['displayName', 'password', 'noSuchCommand']) {
		const before = await ours.count('errorOccurred');
		await ours.command(name, 'x');
		await expect.poll(() => ours.count('errorOccurred')).toBe(before + 1);
	}
	const devices = (await ours.ask('getAvailableDevices')) as Record<
		string,
		{ deviceId: string; label: string }[]
	>;
	expect(devices.audioInput?.length).toBeGreaterThan(0);
	expect(devices.videoInput?.length).toBeGreaterThan(0);
	const another = devices.audioInput?.at(-1);
	await ours.ask('setAudioInputDevice', another?.label, another?.deviceId);
	const current = (await ours.ask('getCurrentDevices')) as { audioInput?: { deviceId: string } };
	expect(current.audioInput?.deviceId).toBe(another?.deviceId);

	// What only the provider may do: mute, record with everybody's yes, take somebody out.
	await ours.command('muteEveryone');
	await theirs.hears('audioMuteStatusChanged', { muted: true });
	await theirs.command('toggleAudio');
	await theirs.hears('audioMuteStatusChanged', { muted: false });
	const refusals = await theirs.count('errorOccurred');
	await theirs.command('muteEveryone');
	await expect.poll(() => theirs.count('errorOccurred')).toBe(refusals + 1);
	await ours.command('startRecording');
	await theirs.frame.getByRole('dialog').getByRole('button', { name: 'Yes, record it' }).click();
	await ours.hears('recordingStatusChanged', { on: true, mode: 'file' });
	await theirs.hears('recordingStatusChanged', { on: true });
	await ours.command('stopRecording');
	await ours.hears('recordingStatusChanged', { on: false });

	// A screen: a press on the portal's own button is handed on to the frame.
	await theirs.page.getByRole('button', { name: 'Show my screen' }).click();
	await theirs.hears('screenSharingStatusChanged', { on: true });
	await ours.hears('contentSharingParticipantsChanged', { data: [me] });
	await expectPicture(ours.frame, /^Screen of Maria Santos/);
	await theirs.command('toggleShareScreen');
	await theirs.hears('screenSharingStatusChanged', { on: false });

	expect(await theirs.page.context().cookies()).toEqual([]);
	await theirs.page.getByRole('button', { name: 'Leave' }).click();
	await theirs.hears('videoConferenceLeft', { roomName: meeting.meeting_id });
	await expect(theirs.page.getByRole('status')).toHaveText('The call is over.');
	await expect(theirs.page.locator('iframe')).toHaveCount(0);
	await ours.hears('participantLeft', { id: me });

	// A frame that is taken away leaves the call too: the patient hears of it after coming back.
	const back = await Visitor.open(browser, contextOptions, site, {
		vsee: await vsee(clinic, patient),
		meeting,
	});
	await back.hears('participantJoined', { id: you });
	await ours.page.evaluate(async () => (await window.call)?.dispose());
	await back.hears('participantLeft', { id: you });

	const again = await Visitor.open(browser, contextOptions, site, {
		vsee: await vsee(clinic, provider),
		meeting,
	});
	await again.hears('participantJoined', { id: me });
	await again.command('kickParticipant', me);
	await again.hears('participantKickedOut', { kicked: { id: me, local: false }, kicker: { id: you } });
	await again.hears('participantLeft', { id: me });
	await back.hears('participantKickedOut', { kicked: { id: me, local: true } });

	await clinic.ok('POST', `/visits/${id}/complete`, { 'X-ApiToken': provider.token }, {});
	await back.hears('readyToClose');
	await again.close();
	for (const visitor of [theirs, ours, back]) await visitor.close();
});

test('a site that the clinic does not list says so, in words and as an event', async ({
	clinic,
	site,
	browser,
	contextOptions,
}) => {
	const { patient, meeting } = await waiting(clinic);
	await admit(clinic, ['https://portal.example']);
	const visitor = await Visitor.open(browser, contextOptions, site, {
		vsee: await vsee(clinic, patient),
		meeting,
	});
	await expect(visitor.page.getByRole('alert')).toContainText('does not let this site show its calls');
	const refused = await visitor.page.evaluate(
		() => window.heard?.find(({ name }) => name === 'errorOccurred')?.data,
	);
	expect(refused).toMatchObject({ error: { name: 'origin_refused', isFatal: true } });
	await visitor.close();
});

test('an expired token and a token of somebody else are told apart; a fresh one goes on', async ({
	clinic,
	site,
	browser,
	contextOptions,
}) => {
	const { patient, meeting } = await waiting(clinic);
	const { id, token } = await vsee(clinic, patient);
	const visitor = await Visitor.open(browser, contextOptions, site, {
		vsee: { id, token: 'f'.repeat(32) },
		meeting,
	});
	await expect(
		visitor.frame.getByRole('heading', { name: 'Your sign-in for this call has expired.' }),
	).toBeVisible();
	await visitor.hears('tokenExpired');
	await visitor.page.evaluate(async (fresh) => (await window.call)?.setToken(fresh), token);
	await expect(visitor.frame.getByRole('heading', { name: 'The call has not begun yet.' })).toBeVisible();
	await visitor.close();

	const other = await clinic.sso(200, { first_name: 'Tom', last_name: 'Becker' });
	const stranger = await Visitor.open(browser, contextOptions, site, {
		vsee: await vsee(clinic, other),
		meeting,
	});
	await expect(stranger.frame.getByRole('heading', { name: 'There is no such call for you.' })).toBeVisible();
	await stranger.close();
	const mixed = await Visitor.open(browser, contextOptions, site, {
		vsee: { id: 'somebody+else', token },
		meeting,
	});
	await expect(
		mixed.frame.getByRole('heading', { name: 'This call was opened for somebody else.' }),
	).toBeVisible();
	await mixed.close();
});

test('the call page stands by itself with a token in its fragment, and holds up to axe', async ({
	clinic,
	newPerson,
}) => {
	const { patient, provider, id, meeting } = await waiting(clinic);
	const page = await newPerson();
	await page.goto(`${clinic.demo.base_url}/call/${meeting.meeting_id}`);
	await expect(page.getByRole('heading', { name: 'This call cannot be opened by itself.' })).toBeVisible();
	await expectAccessible(page, 'no token');
	await page.goto('about:blank');
	await page.goto(`${clinic.demo.base_url}/call/${meeting.meeting_id}#token=${patient.token}`);
	await expect(page.getByRole('heading', { name: 'The call has not begun yet.' })).toBeVisible();
	expect(page.url()).not.toContain(patient.token);
	await expectAccessible(page, 'waiting');
	await clinic.ok('POST', `/visits/${id}/accept`, { 'X-ApiToken': provider.token }, {});
	const bar = page.getByRole('toolbar', { name: 'Call controls' });
	await expect(bar).toBeVisible();
	await bar.getByRole('button', { name: 'Chat' }).click();
	await expect(page.getByRole('log')).toBeVisible();
	await expectAccessible(page, 'in the call, with messages');
	for (const width of [360, 1440]) {
		await page.setViewportSize({ width, height: 800 });
		const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
		expect(overflow, `${width} px`).toBeLessThanOrEqual(0);
	}
	await page.getByRole('button', { name: 'Close messages' }).click();
	await bar.getByRole('button', { name: 'Leave' }).click();
	await expect(page.getByRole('heading', { name: 'You left the call.' })).toBeVisible();
	await page.getByRole('button', { name: 'Rejoin' }).click();
	await expect(bar).toBeVisible();
	await clinic.ok('POST', `/visits/${id}/complete`, { 'X-ApiToken': provider.token }, {});
	await expect(page.getByRole('heading', { name: 'This visit is over.' })).toBeVisible();
	await expectAccessible(page, 'over');
});

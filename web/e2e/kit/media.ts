/** Whether people see and hear each other, from the browser's own figures. */
import { expect, type Frame, type Page } from '@playwright/test';

interface Heard {
	frames: number;
	energy: number;
}

/** What arrived from the other person so far; null outside a call. */
async function heard(page: Page | Frame): Promise<Heard | null> {
	const stats = await page
		.evaluate(async () => (await window.__bedside_call?.stats()) ?? null)
		.catch(() => null);
	const [peer] = stats?.peers ?? [];
	return peer ? { frames: peer.framesDecoded, energy: peer.totalAudioEnergy } : null;
}

/** Fails unless the remote picture moves and its sound arrives, from now on. */
export async function expectSeenAndHeard(page: Page | Frame, who: string): Promise<void> {
	let first: Heard | null = null;
	await expect
		.poll(
			async () => {
				const now = await heard(page);
				if (!now || now.frames === 0 || now.energy === 0) return 'nothing yet';
				first ??= now;
				return now.frames >= first.frames + 15 && now.energy > first.energy
					? 'moving and audible'
					: 'not growing';
			},
			{ message: `${who} sees and hears the other side`, timeout: 45_000, intervals: [500] },
		)
		.toBe('moving and audible');
}

/** The picture on the page itself: a video with pixels whose clock runs. */
export async function expectPicture(page: Page | Frame, name: RegExp): Promise<void> {
	const video = page.getByLabel(name);
	await expect(video).toBeVisible();
	await expect
		.poll(() => video.evaluate((node: HTMLVideoElement) => node.videoWidth > 0 && node.currentTime > 0))
		.toBe(true);
}

// Where pictures and sound come from: the machine's camera and microphone, or whatever stands in for them.

export interface Wanted {
	audio: boolean;
	video: boolean;
	audioId?: string | undefined;
	videoId?: string | undefined;
}

export interface MediaSource {
	/** False when this source is drawn, not seen: the page then says so. */
	readonly real: boolean;
	open(wanted: Wanted): Promise<MediaStream>;
}

/** The browser's own devices. */
export const browserSource: MediaSource = {
	real: true,
	open({ audio, video, audioId, videoId }) {
		return navigator.mediaDevices.getUserMedia({
			audio: audio && {
				echoCancellation: true,
				noiseSuppression: true,
				autoGainControl: true,
				...(audioId ? { deviceId: { exact: audioId } } : {}),
			},
			video: video && {
				width: { ideal: 1280 },
				height: { ideal: 720 },
				frameRate: { ideal: 30, max: 30 },
				...(videoId ? { deviceId: { exact: videoId } } : { facingMode: 'user' }),
			},
		});
	},
};

/** Browsers inside other apps, which mostly have no camera: the names they give themselves. */
export function isInAppBrowser(userAgent: string): boolean {
	return /FBAN|FBAV|FB_IAB|Instagram|\bLine\/|MicroMessenger|; wv\)|Snapchat|TikTok|musical_ly|Pinterest|LinkedInApp|GSA\//.test(
		userAgent,
	);
}

export type Obstacle = 'insecure' | 'in-app' | 'unsupported';

/** Why this page cannot have a camera at all; null when it can ask. */
export function obstacle(page: { secure: boolean; hasDevices: boolean; userAgent: string }): Obstacle | null {
	if (page.hasDevices) return null;
	if (!page.secure) return 'insecure';
	return isInAppBrowser(page.userAgent) ? 'in-app' : 'unsupported';
}

export function pageObstacle(): Obstacle | null {
	return obstacle({
		secure: window.isSecureContext,
		hasDevices: typeof navigator.mediaDevices?.getUserMedia === 'function',
		userAgent: navigator.userAgent,
	});
}

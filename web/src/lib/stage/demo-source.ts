// The demo camera: stands in for the browser's devices, so that the unmodified call client publishes real tracks on a
// machine without a camera. A track that the page stops ends the drawing or the voice behind it.
import type { MediaSource } from '#lib/call/media-source.ts';
import { drawPortrait, HEIGHT, type PortraitOf, WIDTH } from './portrait.ts';
import { startVoice, type Voice } from './voice.ts';

const FRAMES_PER_SECOND = 20;

export function demoSource(who: PortraitOf): MediaSource {
	let voice: Voice | null = null;
	const mouth = () => voice?.loudness() ?? 0;

	return {
		real: false,
		async open({ audio, video }) {
			const tracks: MediaStreamTrack[] = [];
			if (audio) {
				voice?.stop();
				voice = startVoice(who);
				whenStopped(voice.track, () => {
					voice?.stop();
					voice = null;
				});
				tracks.push(voice.track);
			}
			if (video) tracks.push(drawnTrack(who, mouth));
			return new MediaStream(tracks);
		},
	};
}

function drawnTrack(who: PortraitOf, mouth: () => number): MediaStreamTrack {
	const canvas = document.createElement('canvas');
	canvas.width = WIDTH;
	canvas.height = HEIGHT;
	const pen = canvas.getContext('2d', { alpha: false });
	const [track] = canvas.captureStream(FRAMES_PER_SECOND).getVideoTracks();
	if (!pen || !track) throw new DOMException('The browser cannot draw a camera.', 'NotReadableError');
	const draw = () => drawPortrait(pen, who, Date.now(), mouth());
	draw();
	const timer = setInterval(draw, 1000 / FRAMES_PER_SECOND);
	whenStopped(track, () => clearInterval(timer));
	return track;
}

/** A track that its owner stops sends no event, so the stop itself is where to listen. */
function whenStopped(track: MediaStreamTrack, after: () => void): void {
	const stop = track.stop.bind(track);
	track.stop = () => {
		if (track.readyState === 'ended') return;
		stop();
		after();
	};
}

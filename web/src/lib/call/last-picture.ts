// The last picture of somebody who goes, for as long as they are away.
import type { RemoteTrack } from 'livekit-client';

export function lastPicture(track: RemoteTrack): HTMLCanvasElement | null {
	const video = track.attachedElements.find((element) => element instanceof HTMLVideoElement);
	if (!video?.videoWidth) return null;
	const canvas = document.createElement('canvas');
	canvas.width = video.videoWidth;
	canvas.height = video.videoHeight;
	canvas.getContext('2d')?.drawImage(video, 0, 0);
	return canvas;
}

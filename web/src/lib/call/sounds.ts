// What this page plays of the others. Silencing it changes nothing of what is sent.
import type { RemoteTrack } from 'livekit-client';
import { frame } from '#lib/ui/frame.ts';

export class Sounds {
	#elements = new Map<RemoteTrack, HTMLAudioElement>();

	play(track: RemoteTrack): void {
		const element = document.createElement('audio');
		element.autoplay = true;
		element.hidden = true;
		track.attach(element);
		// Attaching unmutes; what the stage silenced stays silent.
		element.muted = frame.outputMuted;
		document.body.append(element);
		this.#elements.set(track, element);
	}

	silence(track: RemoteTrack): void {
		const element = this.#elements.get(track);
		if (!element) return;
		track.detach(element);
		element.remove();
		this.#elements.delete(track);
	}

	silenceAll(): void {
		for (const track of [...this.#elements.keys()]) this.silence(track);
	}

	/** After the press that the browser asked for. */
	async start(): Promise<void> {
		for (const element of this.#elements.values()) await element.play().catch(() => undefined);
	}

	mute(muted: boolean, onblocked: () => void): void {
		for (const element of this.#elements.values()) {
			element.muted = muted;
			if (!muted) element.play().catch(onblocked);
		}
	}
}

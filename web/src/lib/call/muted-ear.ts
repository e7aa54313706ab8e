// Hears whether somebody speaks while muted. A clone listens: nothing of it leaves this page.
import { type LevelMeter, meter } from './level.ts';

export class MutedEar {
	#meter: LevelMeter | null = null;
	#track: MediaStreamTrack | null = null;

	start(original: MediaStreamTrack | null, tell: (speaking: boolean) => void): void {
		this.stop();
		if (!original) return;
		const track = original.clone();
		track.enabled = true;
		let loud = 0;
		this.#track = track;
		this.#meter = meter(track, (level) => {
			loud = level > 0.55 ? loud + 1 : Math.max(0, loud - 1);
			if (loud > 8) tell(true);
			else if (loud === 0) tell(false);
		});
	}

	stop(): void {
		this.#meter?.stop();
		this.#track?.stop();
		this.#meter = null;
		this.#track = null;
	}
}
